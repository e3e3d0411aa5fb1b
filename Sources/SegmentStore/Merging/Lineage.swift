/// A record's origin: the store that it was written to, and the input whose row it answers.
struct RecordOrigin: Codable, Sendable, Hashable {
    /// 16 hexadecimal digits.
    var store: String
    /// 16 hexadecimal digits: the high half of the input's identity; nil if unknown.
    var input: String?

    /// Whether a key means the same row in both. A store shares its origin with its copies and continuations; stores
    /// for the same input name its rows equally.
    func isSame(as other: RecordOrigin) -> Bool {
        store == other.store || input != nil && input == other.input
    }
}

/// The origins of a merged store's records: `lineage` in its manifest. Records beyond `end` are its own.
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

    /// Notes the origin of a lane's records from a number on.
    mutating func note(_ origin: RecordOrigin, in lane: Lane, from sequence: UInt64) {
        let known = origins.firstIndex(of: origin)
        let index = known ?? origins.count
        if known == nil { origins.append(origin) }
        if spans[lane.directoryName]?.last?.origin == index { return }
        spans[lane.directoryName, default: []].append(Span(from: sequence, origin: index))
    }
}
