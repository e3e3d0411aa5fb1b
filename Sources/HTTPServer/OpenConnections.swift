/// Chooses which connections to close when others need the room: those without a request, longest idle first. A value.
struct OpenConnections<ID: Hashable> {
    private struct Entry {
        /// Whether an authorised request is being served.
        var isBusy = false
        var isClosing = false
        /// When it became idle, as a sequence number.
        var turn: UInt64
    }

    /// Number of connections above which idle ones are closed for new ones.
    let roomyMax: Int
    private var entries: [ID: Entry] = [:]
    private var open = 0
    private var turn: UInt64 = 0

    /// This fraction is closed at once, so that the search is rare.
    private static var share: Int { 16 }

    /// - Parameter limit: maximum simultaneous connections.
    init(limit: Int) { roomyMax = max(1, limit - max(1, limit / Self.share)) }

    /// Adds a connection; returns those to close.
    mutating func opened(_ id: ID) -> [ID] {
        turn += 1
        entries[id] = Entry(turn: turn)
        open += 1
        guard open > roomyMax else { return [] }
        let idle = entries.filter { $0.key != id && !$0.value.isBusy && !$0.value.isClosing }
        let chosen = idle.sorted { $0.value.turn < $1.value.turn }.prefix(max(1, roomyMax / Self.share)).map(\.key)
        for id in chosen { entries[id]?.isClosing = true }
        open -= chosen.count
        return chosen
    }

    mutating func began(_ id: ID) { entries[id]?.isBusy = true }

    mutating func ended(_ id: ID) {
        turn += 1
        entries[id]?.isBusy = false
        entries[id]?.turn = turn
    }

    mutating func closed(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id), !entry.isClosing else { return }
        open -= 1
    }
}
