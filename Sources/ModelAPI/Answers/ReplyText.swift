internal import Basics
internal import JSONText

/// Makes slightly invalid bodies readable.
enum ReplyText {
    /// The start of a body's content: after a byte order mark, and after the blank lines and comments (`: keep-alive`)
    /// by which servers keep a connection open.
    static func start(of body: [UInt8]) -> Int {
        var at = 0
        while at < body.count {
            if AnswerParser.isSpace(body[at]) {
                at += 1
            } else if body[at] == 0xEF, body[at...].starts(with: [0xEF, 0xBB, 0xBF]) {
                at += 3
            } else if body[at] == UInt8(ascii: ":") {
                at = body[at...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? body.count
            } else {
                break
            }
        }
        return at
    }

    /// The text with common JSON mistakes of servers fixed: invalid UTF-8 becomes U+FFFD, raw control characters in
    /// strings are escaped, invalid escapes are taken literally, and invalid numbers (`NaN`, `Infinity`) become null.
    static func repaired(_ text: [UInt8]) -> [UInt8] {
        let text = Array(String(decoding: text, as: UTF8.self).utf8)
        var output: [UInt8] = []
        output.reserveCapacity(text.count + text.count / 16)
        var at = 0
        var isInString = false
        while at < text.count {
            let byte = text[at]
            if isInString {
                at = appendInString(text, at, &output)
                isInString = byte != UInt8(ascii: "\"")
            } else if let length = nanLength(text, at) {
                output.append(contentsOf: "null".utf8)
                at += length
            } else {
                isInString = byte == UInt8(ascii: "\"")
                output.append(byte)
                at += 1
            }
        }
        return output
    }

    /// Copies one unit of a string's content and returns the offset after it.
    private static func appendInString(_ text: [UInt8], _ at: Int, _ output: inout [UInt8]) -> Int {
        let byte = text[at]
        if byte == UInt8(ascii: "\\") {
            guard let length = escapeLength(text, at) else {
                output.append(contentsOf: #"\\"#.utf8)
                return at + 1
            }
            output.append(contentsOf: text[at..<at + length])
            return at + length
        }
        if byte < 0x20 {
            JSONString.appendContent(CollectionOfOne(byte), to: &output)
        } else {
            output.append(byte)
        }
        return at + 1
    }

    /// The length of a valid escape at `at`. At the end of the text any beginning of one is valid.
    private static func escapeLength(_ text: [UInt8], _ at: Int) -> Int? {
        guard at + 1 < text.count else { return 1 }
        switch text[at + 1] {
        case UInt8(ascii: "u"):
            let digits = text[(at + 2)...].prefix(4)
            guard digits.allSatisfy({ $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 6 }) else { return nil }
            return digits.count == 4 || at + 2 + digits.count == text.count ? 2 + digits.count : nil
        case let letter where #""\/bfnrt"#.utf8.contains(letter): return 2
        default: return nil
        }
    }

    /// The length of an invalid number at `at`.
    private static func nanLength(_ text: [UInt8], _ at: Int) -> Int? {
        guard "NI-+n".utf8.contains(text[at]) else { return nil }
        for word in nanWords where text[at...].starts(with: word.utf8) {
            let end = at + word.utf8.count
            if end == text.count || !isOfWord(text[end]) { return word.utf8.count }
        }
        return nil
    }

    private static let nanWords = ["NaN", "nan", "Infinity", "-Infinity", "-NaN", "+Infinity", "None"]

    private static func isOfWord(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
    }

    /// Whether a short text that is not JSON is a typical gateway message about the server behind it.
    static func soundsLikeGateway(_ text: [UInt8]) -> Bool {
        guard text.count <= gatewayBytesMax else { return false }
        let words = String(decoding: text, as: UTF8.self).lowercased()
        return gatewayWords.contains(where: words.contains)
    }

    private static let gatewayBytesMax = 512
    private static let gatewayWords = [
        "upstream", "gateway", "unavailable", "internal server error", "timeout", "timed out", "too many requests",
        "overloaded", "connection", "error code: 5", "try again", "server error", "rate limit", "no healthy",
    ]
}
