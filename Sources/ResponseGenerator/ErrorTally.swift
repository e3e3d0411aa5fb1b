internal import Basics

/// The number of errors of one kind, with the text of one of them.
public struct ErrorCount: Sendable, Hashable {
    public var text: String
    public var count: Int

    public init(text: String, count: Int) {
        self.text = text
        self.count = count
    }
}

/// Counts errors by text, ignoring numbers, ids and quotations. The number of kinds is bounded: a new kind replaces the
/// rarest, so frequent ones stay.
struct ErrorTally: Sendable {
    private struct Entry: Sendable {
        var kind: UInt64
        var text: String
        var count: Int
    }

    /// Maximum kinds counted at a time.
    static let kindsMax = 64
    /// Maximum kinds shown.
    static let shownMax = 3
    /// Maximum characters of a stored text.
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
            // A new kind replaces the rarest only after lowering its count one by one, so that many rare kinds do not
            // displace a frequent one.
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

/// Decides which error texts are of one kind.
enum ErrorText {
    /// Maximum bytes that are compared.
    private static let bytesMax = 512
    /// Maximum bytes of a quotation; an unclosed quote is an ordinary character.
    private static let quotationBytesMax = 128

    /// A hash of the text without the parts that differ between items: words that contain a digit, quotations, and
    /// truncated JSON.
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
                // A number with points and commas counts as one number.
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

    /// Whether the JSON that begins at `start` is truncated: where it is cut differs between items.
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

    /// The end of the quotation that begins at `start`; nil if none begins there.
    private static func endOfQuotation(_ bytes: [UInt8], _ start: Int) -> Int? {
        let quote = bytes[start]
        guard quote == 0x22 || quote == 0x27 || quote == 0x60 else { return nil }
        // An apostrophe inside a word.
        if quote == 0x27, start > 0, isWordByte(bytes[start - 1]) { return nil }
        let last = min(bytes.count, start + quotationBytesMax)
        guard start + 1 < last else { return nil }
        for place in start + 1..<last where bytes[place] == quote {
            if quote == 0x27, place + 1 < bytes.count, isWordByte(bytes[place + 1]) { continue }
            return place + 1
        }
        return nil
    }

    /// The FNV-1a hash of Fowler, Noll and Vo.
    private struct FNV {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325

        mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
