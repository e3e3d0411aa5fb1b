/// The connections of a server, and which of them are closed when others need the room: those without a request, the one that
/// has been so for longest first. A value.
struct OpenConnections<ID: Hashable> {
    private struct Entry {
        /// A request that may use the server is under way.
        var isBusy = false
        var isClosing = false
        /// When it became idle, in the order of such events.
        var turn: UInt64
    }

    /// Connections from which idle ones are closed for new ones.
    let roomyMax: Int
    private var entries: [ID: Entry] = [:]
    private var open = 0
    private var turn: UInt64 = 0

    /// So much of all is closed at once, so that looking for them is seldom.
    private static var share: Int { 16 }

    /// - Parameter limit: connections at once.
    init(limit: Int) { roomyMax = max(1, limit - max(1, limit / Self.share)) }

    /// Takes a new connection; returns those to close.
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
