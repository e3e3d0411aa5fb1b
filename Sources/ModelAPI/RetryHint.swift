internal import Basics

/// How long a reply asks to wait before the next try.
///
/// In order of trust: `retry-after-ms`, `retry-after` (seconds, or a date that is read against the reply's own `date`,
/// so that a wrong clock here does no harm), then the reset of whichever rate limit is used up.
enum RetryHint {
    static func interval(of reply: ModelReply) -> Interval? {
        if let text = reply.header("retry-after-ms"), let count = Double(text), let wait = positive(count / 1000) {
            return wait
        }
        if let text = reply.header("retry-after") {
            if let seconds = Double(text) { return positive(seconds) }
            if let due = HTTPDate.seconds(text), let date = reply.header("date").flatMap(HTTPDate.seconds) {
                return positive(Double(due - date))
            }
        }
        guard reply.status == 429 else { return nil }
        return RateLimitReport(reply)?.resetOfExhausted
    }

    private static func positive(_ seconds: Double) -> Interval? {
        guard seconds.isFinite, seconds >= 0 else { return nil }
        return .seconds(min(seconds, secondsMax))
    }

    /// A hint beyond this is read as this.
    private static let secondsMax = 86_400.0

    /// Durations as rate-limit headers write them: `1s`, `6m0s`, `20ms`, `1h30m`, or bare seconds.
    static func duration(_ text: String) -> Interval? {
        if let seconds = Double(text) { return positive(seconds) }
        var rest = Substring(text)
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let count = Double(digits), let scale = scale(of: unit) else { return nil }
            total += count * scale
        }
        return text.isEmpty ? nil : positive(total)
    }

    private static func scale(of unit: Substring) -> Double? {
        switch unit {
        case "ms": 0.001
        case "us", "µs": 0.000_001
        case "ns": 0.000_000_001
        case "s": 1
        case "m": 60
        case "h": 3_600
        case "d": 86_400
        default: nil
        }
    }
}
