import Basics

/// The records that stay in their lane with another line.
struct Amendments {
    var places: PlaceCursor
    let line: (StoredRecord) throws(RetortError) -> [UInt8]

    /// The replacement of `old`, which was read from `file`. The index and the hints know a record by its head, which
    /// must not change.
    func newLine(_ old: [UInt8], in file: String) throws(RetortError) -> [UInt8] {
        guard let head = old.withUnsafeBytes({ RecordHead.parse($0) }) else {
            throw BlockCodec.damage("a line does not begin as a record does", file)
        }
        let new = try line(StoredRecord(head: head, line: old))
        guard new.withUnsafeBytes({ RecordHead.parse($0) == head && $0.firstLineFeed(from: 0) == nil }) else {
            throw BlockCodec.damage("a record cannot get another line", file)
        }
        return new
    }
}
