internal import Basics

/// How often a kind of error was met, with the text of one of them.
public struct ErrorCount: Sendable, Hashable {
    public var text: String
    public var count: Int

    public init(text: String, count: Int) {
        self.text = text
        self.count = count
    }
}

/// Counts errors by their text, in which numbers, ids and quotations do not count. Of a bounded number of kinds: when
/// there are more, the rarest is replaced, and what comes often stays.
struct ErrorTally: Sendable {
    private struct Entry: Sendable {
        var kind: UInt64
        var text: String
        var count: Int
    }

    /// Kinds that are counted at a time.
    static let kindsMax = 64
    /// Kinds that are shown.
    static let shownMax = 3
    /// Characters of a text that are kept.
    static let textCharactersMax = 240

    private var entries: [Entry] = []
    private(set) var isChanged = false

    mutating func note(_ text: String) {
        isChanged = true
        let kind = ErrorText.kind(of: text)
        if let place = entries.firstIndex(where: { $0.kind == kind }) {
            entries[place].count += 1
            return
        }
        let entry = Entry(kind: kind, text: String(text.prefix(Self.textCharactersMax)), count: 1)
        if entries.count < Self.kindsMax {
            entries.append(entry)
        } else if let rarest = entries.indices.min(by: { entries[$0].count < entries[$1].count }) {
            // Each newcomer lowers the rarest by one, so that many rare ones do not drive out a frequent one.
            entries[rarest].count -= 1
            if entries[rarest].count <= 0 { entries[rarest] = entry }
        }
    }

    /// The most frequent kinds, most frequent first.
    mutating func takeTop() -> [ErrorCount] {
        isChanged = false
        return entries.sorted { ($1.count, $0.text) < ($0.count, $1.text) }.prefix(Self.shownMax)
            .map { ErrorCount(text: $0.text, count: $0.count) }
    }
}

/// What makes two texts of errors one kind.
enum ErrorText {
    /// Bytes that are looked at.
    private static let bytesMax = 512
    /// Bytes of a quotation; a quote that is not closed within them is a letter like any other.
    private static let quotationBytesMax = 128

    /// A hash of the text without what differs from item to item: words with a digit in them, quotations, and JSON that
    /// is cut off.
    static func kind(of text: String) -> UInt64 {
        var hash = FNV()
        let bytes = Array(text.utf8.prefix(bytesMax))
        var place = 0
        var isJSONWhole = false
        while place < bytes.count {
            if !isJSONWhole, beginsJSON(bytes, place) {
                if isCutOff(bytes, place) {
                    hash.add(bytes[place])
                    break
                }
                isJSONWhole = true
            }
            if let end = endOfQuotation(bytes, place) {
                hash.add(0x22)
                place = end
                continue
            }
            let start = place
            var hasDigit = false
            while place < bytes.count, isWordByte(bytes[place]) {
                hasDigit = hasDigit || bytes[place] &- 0x30 < 10
                place += 1
            }
            if place == start {
                // Numbers with points and commas in them are one.
                hash.add(bytes[place])
                place += 1
            } else if hasDigit {
                hash.add(0x23)
            } else {
                for byte in bytes[start..<place] { hash.add(byte) }
            }
        }
        return hash.value
    }

    private static func beginsJSON(_ bytes: [UInt8], _ start: Int) -> Bool {
        guard bytes[start] == UInt8(ascii: "{") || bytes[start] == UInt8(ascii: "[") else { return false }
        guard let next = bytes[(start + 1)...].first(where: { $0 != 0x20 }) else { return true }
        return next == 0x22 || next == UInt8(ascii: "{") || next == UInt8(ascii: "[")
    }

    /// Whether the JSON that begins at `start` does not end: where it is cut differs from item to item.
    private static func isCutOff(_ bytes: [UInt8], _ start: Int) -> Bool {
        var depth = 0
        var isQuoted = false
        var place = start
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\\") where isQuoted: place += 1
            case 0x22: isQuoted.toggle()
            case UInt8(ascii: "{") where !isQuoted, UInt8(ascii: "[") where !isQuoted: depth += 1
            case UInt8(ascii: "}") where !isQuoted, UInt8(ascii: "]") where !isQuoted:
                depth -= 1
                if depth == 0 { return false }
            default: break
            }
            place += 1
        }
        return true
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte >= 0x80 || byte == 0x5F || byte == 0x2D
    }

    /// Where the quotation that begins at `start` is over; nil when none begins there.
    private static func endOfQuotation(_ bytes: [UInt8], _ start: Int) -> Int? {
        let quote = bytes[start]
        guard quote == 0x22 || quote == 0x27 || quote == 0x60 else { return nil }
        // An apostrophe stands within a word.
        if quote == 0x27, start > 0, isWordByte(bytes[start - 1]) { return nil }
        let last = min(bytes.count, start + quotationBytesMax)
        guard start + 1 < last else { return nil }
        for place in start + 1..<last where bytes[place] == quote {
            if quote == 0x27, place + 1 < bytes.count, isWordByte(bytes[place + 1]) { continue }
            return place + 1
        }
        return nil
    }

    /// Fowler, Noll and Vo's FNV-1a.
    private struct FNV {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325

        mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
