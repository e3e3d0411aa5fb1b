/// Collects bytes that arrive in pieces and returns complete lines.
struct LineBuffer {
    private var bytes: [UInt8] = []
    /// The number of bytes from the start already searched for a line feed.
    private var searched = 0
    let lineBytesMax: Int

    init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    var isEmpty: Bool { bytes.isEmpty }

    /// Appends a piece and returns the complete lines, without line feeds. Nil when a line is too long.
    mutating func append(_ piece: some Collection<UInt8>) -> [[UInt8]]? {
        bytes.append(contentsOf: piece)
        var lines: [[UInt8]] = []
        var start = 0
        while let feed = bytes[max(start, searched)...].firstIndex(of: 0x0A) {
            guard feed - start <= lineBytesMax else { return nil }
            lines.append(Array(bytes[start..<feed]))
            start = feed + 1
            searched = start
        }
        bytes.removeFirst(start)
        searched = bytes.count
        return bytes.count > lineBytesMax ? nil : lines
    }
}

/// Keeps the end of a text of any length.
struct TextTail {
    private var bytes: [UInt8] = []
    private let bytesMax: Int
    /// Total bytes since the last reset.
    private(set) var count = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(_ piece: some Collection<UInt8>) {
        count = count &+ piece.count
        bytes.append(contentsOf: piece)
        if bytes.count > bytesMax { bytes.removeFirst(bytes.count - bytesMax) }
    }

    /// Drops the rest of a character whose beginning was cut off.
    var text: String { String(decoding: bytes.drop { $0 & 0xC0 == 0x80 }, as: UTF8.self) }

    mutating func resetCount() { count = 0 }

    /// The last line or lines, trimmed; empty if there are none.
    func lastLines(_ max: Int) -> String {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).suffix(max)
            .joined(separator: " | ").trimmingBlanks
    }
}

extension StringProtocol {
    /// Without white space at either end.
    var trimmingBlanks: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else {
            return ""
        }
        return String(self[first...last])
    }
}
