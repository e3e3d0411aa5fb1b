internal import Basics

/// Delays in an error's body: Google's `"retryDelay": "37s"`, OpenRouter's copies of headers, and sentences such as
/// "Please try again in 1m30s". The text is searched, not parsed, since delays are at different depths.
enum RetryText {
    static func interval(in reply: ModelReply, now: Int64) -> Interval? {
        if reply.body.isEmpty { return nil }
        let text = reply.body.prefix(bytesMax).map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        for key in keys {
            guard let value = value(of: key, in: text) else { continue }
            let number = Double(value).map { key.hasSuffix("_ms\"") ? $0 / 1000 : $0 }
            if let wait = RetryHint.wait(number.map { "\($0)" } ?? value, reply, now: now) { return wait }
        }
        for phrase in phrases {
            guard let end = end(of: phrase, in: text, from: 0) else { continue }
            if let wait = wait(text[end...]) { return wait }
        }
        return nil
    }

    /// Delays appear near the beginning.
    private static let bytesMax = 16 * 1024
    /// Maximum length of a number with its unit.
    private static let valueBytesMax = 40

    private static let keys = [
        "\"retrydelay\"", "\"retry_after_ms\"", "\"retry_after\"", "\"retry_after_seconds\"", "\"retryafter\"",
        "\"retry-after\"", "\"x-ratelimit-reset\"",
    ]
    private static let phrases = ["retry in ", "try again in ", "retry after ", "try again after ", "wait "]

    /// The offset behind the first occurrence of `needle`.
    private static func end(of needle: String, in text: [UInt8], from start: Int) -> Int? {
        let needle = Array(needle.utf8)
        guard let first = needle.first, text.count >= needle.count else { return nil }
        var at = start
        while at + needle.count <= text.count {
            guard let found = text[at...(text.count - needle.count)].firstIndex(of: first) else { return nil }
            if text[found..<found + needle.count].elementsEqual(needle) { return found + needle.count }
            at = found + 1
        }
        return nil
    }

    /// A JSON member's value without its quotes.
    private static func value(of key: String, in text: [UInt8]) -> String? {
        guard let end = end(of: key, in: text, from: 0) else { return nil }
        let value = text[end...].drop {
            AnswerParser.isSpace($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "\"")
        }
        .prefix(valueBytesMax).prefix {
            $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != 0x2C && $0 != 0x7D && $0 != 0x5D
        }
        return value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
    }

    /// `3.2s`, `1m30s`, `34 seconds`, `5 minutes`, at the beginning of a text in lower case.
    static func wait(_ text: ArraySlice<UInt8>) -> Interval? {
        let words = String(decoding: text.prefix(valueBytesMax), as: UTF8.self)
            .split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
        guard var first = words.first else { return nil }
        while let last = first.last, !last.isLetter, !last.isNumber { first.removeLast() }
        let unit = words.dropFirst().first.map { $0.prefix { $0.isLetter } } ?? ""
        if let count = Double(first), let scale = scale(unit) {
            return RetryHint.duration("\(min(max(count * scale, 0), 1e9))")
        }
        return Double(first) == nil ? RetryHint.duration(String(first)) : nil
    }

    private static func scale(_ unit: Substring) -> Double? {
        switch unit {
        case "second", "seconds", "sec", "secs": 1
        case "minute", "minutes", "min", "mins": 60
        case "hour", "hours": 3_600
        case "millisecond", "milliseconds": 0.001
        default: RetryHint.scale(of: unit)
        }
    }
}
