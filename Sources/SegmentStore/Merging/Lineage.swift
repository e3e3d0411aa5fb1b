/// Where a record comes from: the store that it was written to, and the input whose row it answers.
struct RecordOrigin: Codable, Sendable, Hashable {
    /// 16 hexadecimal digits.
    var store: String
    /// 16 hexadecimal digits: the high half of the input's identity; nil where it is not known.
    var input: String?

    /// Whether a key means one row in both. A store, its copies and what they became share their store; a store that was
    /// made for the same input names its rows alike.
    func isSame(as other: RecordOrigin) -> Bool {
        store == other.store || input != nil && input == other.input
    }
}

/// Which records of a merged store came from where: `lineage` in its manifest. Records beyond `end` are its own.
struct Lineage: Codable, Sendable, Hashable {
    /// The records from this sequence number on, up to the next span's.
    struct Span: Codable, Sendable, Hashable {
        var from: UInt64
        /// Position in `origins`.
        var origin: Int
    }

    var origins: [RecordOrigin] = []
    /// By the lane's name.
    var spans: [String: [Span]] = [:]
    var end: [String: UInt64] = [:]

    /// Notes that the records of a lane from a number on come from there.
    mutating func note(_ origin: RecordOrigin, in lane: Lane, from sequence: UInt64) {
        let known = origins.firstIndex(of: origin)
        let index = known ?? origins.count
        if known == nil { origins.append(origin) }
        if spans[lane.directoryName]?.last?.origin == index { return }
        spans[lane.directoryName, default: []].append(Span(from: sequence, origin: index))
    }
}
