internal import JSONText

/// What the first bytes of a file reveal about the layout of its rows, beyond its format.
struct InputSniff {
    /// How many bytes are inspected.
    static let headBytes = 64 * 1024

    /// The file is one JSON array instead of one row per line.
    var isArray = false
    /// The byte that ends a line.
    var lineEnd: UInt8 = 0x0A

    init(_ head: ArraySlice<UInt8>, format: InputFormat) {
        var head = head
        if head.starts(with: [0xEF, 0xBB, 0xBF]) { head = head.dropFirst(3) }
        if format == .jsonLines { isArray = Self.isArray(head) }
        if !isArray, Self.endsLinesWithReturns(head, format) { lineEnd = 0x0D }
    }

    /// Whether the file begins with `[` and does not have one list per line.
    private static func isArray(_ head: ArraySlice<UInt8>) -> Bool {
        guard head.first(where: { !isSpace($0) }) == UInt8(ascii: "[") else { return false }
        let text = head.drop { isSpace($0) }
        guard let lineEnd = text.firstIndex(of: 0x0A), text[lineEnd...].contains(where: { !isSpace($0) }) else {
            return true
        }
        return (try? JSONParser().parse(text[..<lineEnd])) == nil
    }

    /// Old Macintosh line ends: the first line ends in a CR without LF. Quoted fields may contain both.
    private static func endsLinesWithReturns(_ head: ArraySlice<UInt8>, _ format: InputFormat) -> Bool {
        guard let found = firstLineEnd(head, minding: format == .csv || format == .tsv), head[found] == 0x0D else {
            return false
        }
        let next = head.index(after: found)
        guard next < head.endIndex, head[next] != 0x0A else { return false }
        switch format {
        case .csv, .tsv: return true
        case .text: return !head.contains(0x0A)
        case .jsonLines:
            // A CR can also be white space within a row.
            return head[..<found].last { !isSpace($0) } == UInt8(ascii: "}") && head[next] == UInt8(ascii: "{")
        }
    }

    private static func firstLineEnd(_ head: ArraySlice<UInt8>, minding quotes: Bool) -> Int? {
        var isQuoted = false
        for index in head.indices {
            switch head[index] {
            case 0x22 where quotes: isQuoted.toggle()
            case 0x0A where !isQuoted, 0x0D where !isQuoted: return index
            default: break
            }
        }
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    /// The separator of a header: the most frequent of comma, semicolon and tab; comma if none occurs.
    static func separator(ofHeader line: UnsafeRawBufferPointer) -> UInt8 {
        var (commas, semicolons, tabs) = (0, 0, 0)
        var isQuoted = false
        for byte in line {
            switch byte {
            case 0x22: isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: commas += 1
            case UInt8(ascii: ";") where !isQuoted: semicolons += 1
            case 0x09 where !isQuoted: tabs += 1
            default: break
            }
        }
        if semicolons > max(commas, tabs) { return UInt8(ascii: ";") }
        return tabs > max(commas, semicolons) ? 0x09 : UInt8(ascii: ",")
    }
}
