import Basics

/// A line of a journal: a record's line in which the last brace gives way to a checksum.
///
///     {"id":"a", … ,"sum":"16 HEX"}
///
/// The checksum is XXH3-64 of the record's line, braces included, seeded with the store's id and the record's sequence
/// number: a line that was torn, overwritten or left behind by another file does not pass.
enum JournalLine {
    static let suffixBytes = 26
    private static let opening = Array(#","sum":""#.utf8)
    private static let closing = Array(#""}"#.utf8)

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

    /// The record's line again; nil when the checksum does not hold.
    static func decode(_ bytes: UnsafeRawBufferPointer, storeID: UInt64, sequence: UInt64) -> [UInt8]? {
        guard bytes.count > suffixBytes else { return nil }
        let start = bytes.count - suffixBytes
        guard bytes.slice(start, opening.count).elementsEqual(opening),
            bytes.slice(bytes.count - 2, 2).elementsEqual(closing),
            let sum = Hexadecimal.parse(bytes.slice(start + opening.count, 16))
        else { return nil }
        var line = Array(bytes[..<start])
        line.append(UInt8(ascii: "}"))
        let expected = line.withUnsafeBytes {
            ContentHash.hash64($0, seed: seed(storeID: storeID, sequence: sequence))
        }
        return sum == expected ? line : nil
    }
}
