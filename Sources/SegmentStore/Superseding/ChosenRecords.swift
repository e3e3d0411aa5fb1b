import Basics

/// The records that leave their lane.
enum ChosenRecords {
    /// Those at these positions.
    case places(PlaceCursor)
    /// All records of these keys, the newest and those before it.
    case keys(KeyList)

    /// Whether one of them is in a segment. Segments must be requested in order.
    func isAny(in reader: SegmentReader, end: Int, context: StoreContext, codec: BlockCodec) throws(RetortError) -> Bool
    {
        switch self {
        case .places(let cursor): return cursor.segment == reader.number
        case .keys(let list):
            var groups = try BlockHints(reader, context: context, codec: codec)
            var members = MemberCursor(reader, end: end)
            while let (header, _) = try members.next() {
                if try !Self.records(of: groups.group(of: header), in: list).isEmpty { return true }
            }
            return false
        }
    }

    /// Their indexes within a block. Blocks must be requested in order.
    mutating func records(of group: HintGroup, _ header: BlockHeader) throws(RetortError) -> [Int] {
        switch self {
        case .keys(let list): return try Self.records(of: group, in: list)
        case .places(var cursor):
            defer { self = .places(cursor) }
            return try cursor.records(of: header)
        }
    }

    private static func records(of group: HintGroup, in list: KeyList) throws(RetortError) -> [Int] {
        var records: [Int] = []
        for (number, hint) in group.hints.enumerated() where try list.contains(hint.hash) { records.append(number) }
        return records
    }
}
