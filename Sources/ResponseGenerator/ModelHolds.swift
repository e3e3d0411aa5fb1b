/// Models whose items wait on the user's word. A value; it holds the tickets.
struct ModelHolds {
    private var held: Set<String> = []
    private var parked: [String: [Ticket]] = [:]
    /// Items that wait.
    private(set) var count = 0

    var isEmpty: Bool { held.isEmpty }

    mutating func hold(_ model: String) { held.insert(model) }

    /// Returns the items that waited.
    mutating func release(_ model: String) -> [Ticket] {
        held.remove(model)
        let tickets = parked.removeValue(forKey: model) ?? []
        count -= tickets.count
        return tickets
    }

    func holds(_ ticket: Ticket) -> Bool { held.contains(ticket.model) }

    /// Keeps an item that `holds` says is to wait.
    mutating func park(_ ticket: Ticket) {
        parked[ticket.model, default: []].append(ticket)
        count += 1
    }
}
