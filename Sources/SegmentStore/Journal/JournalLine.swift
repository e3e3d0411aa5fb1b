import Basics

/// A line of a journal: a record's line with a checksum in place of the last brace.
///
///     {"id":"a", … ,"sum":"16 HEX"}
///
/// The checksum is XXH3-64 of the record's line, braces included, seeded with the store's id and the record's sequence
/// number: a line that was torn, overwritten or left by another file fails.
struct JournalLine {
    static let suffixBytes = 26
    private static let opening = Array(#","sum":""#.utf8)
    private static let closing = Array(#""}"#.utf8)
    private static let beginning = Array(#"{"id":"#.utf8)

    /// The record's original line.
    let record: [UInt8]
    private let sum: UInt64

    static func seed(storeID: UInt64, sequence: UInt64) -> UInt64 { storeID ^ (sequence &* 0x9E37_79B9_7F4A_7C15) }

    /// Appends the journal's form of `line` (without line feed), and a line feed.
    static func append(_ line: UnsafeRawBufferPointer, storeID: UInt64, sequence: UInt64, to journal: inout [UInt8]) {
        let sum = ContentHash.hash64(line, seed: seed(storeID: storeID, sequence: sequence))
        journal.append(contentsOf: line.dropLast())
        journal.append(contentsOf: opening)
        Hexadecimal.append(sum, to: &journal)
        journal.append(contentsOf: closing)
        journal.append(0x0A)
    }

    /// Nil when the bytes do not have the form.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > Self.suffixBytes else { return nil }
        let start = bytes.count - Self.suffixBytes
        guard bytes.slice(start, Self.opening.count).elementsEqual(Self.opening),
            bytes.slice(bytes.count - 2, 2).elementsEqual(Self.closing),
            let sum = Hexadecimal.parse(bytes.slice(start + Self.opening.count, 16))
        else { return nil }
        var record: [UInt8] = []
        record.reserveCapacity(start + 1)
        record.append(contentsOf: bytes[..<start])
        record.append(UInt8(ascii: "}"))
        self.record = record
        self.sum = sum
    }

    /// Whether the checksum is that of the record with this number.
    func passes(storeID: UInt64, sequence: UInt64) -> Bool {
        sum == record.withUnsafeBytes { ContentHash.hash64($0, seed: Self.seed(storeID: storeID, sequence: sequence)) }
    }

    /// The record's original line; nil if the checksum is wrong.
    static func decode(_ bytes: UnsafeRawBufferPointer, storeID: UInt64, sequence: UInt64) -> [UInt8]? {
        guard let line = JournalLine(bytes), line.passes(storeID: storeID, sequence: sequence) else { return nil }
        return line.record
    }

    /// Whether the bytes begin like a line, as far as they go, with at most one wrong byte.
    static func beginsLikeOne(_ bytes: ArraySlice<UInt8>) -> Bool {
        zip(bytes, beginning).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) } <= 1
    }

    /// Whether bytes have the form of a line from beginning to end.
    static func looksWhole(_ bytes: [UInt8]) -> Bool {
        beginsLikeOne(bytes[...]) && bytes.withUnsafeBytes { JournalLine($0) } != nil
    }
}
