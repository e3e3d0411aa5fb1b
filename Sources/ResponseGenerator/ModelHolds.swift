/// Models whose items the user has put on hold. A value; it holds the tickets.
struct ModelHolds {
    private var held: Set<String> = []
    private var parked: [String: [Ticket]] = [:]
    /// Items on hold.
    private(set) var count = 0

    var isEmpty: Bool { held.isEmpty }

    mutating func hold(_ model: String) { held.insert(model) }

    /// Returns the items that were on hold.
    mutating func release(_ model: String) -> [Ticket] {
        held.remove(model)
        let tickets = parked.removeValue(forKey: model) ?? []
        count -= tickets.count
        return tickets
    }

    func holds(_ ticket: Ticket) -> Bool { held.contains(ticket.model) }

    /// Adds an item that `holds` says is on hold.
    mutating func park(_ ticket: Ticket) {
        parked[ticket.model, default: []].append(ticket)
        count += 1
    }
}
