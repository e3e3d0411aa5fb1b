internal import Basics
internal import Glibc

/// How long a reply asks to wait before a retry.
///
/// In order of trust: `retry-after-ms`, `retry-after`, the body, then the reset time of the exhausted rate limit.
/// Gateways pass on the headers of the server behind them under names that begin with `llm_provider-`.
enum RetryHint {
    static func interval(of reply: ModelReply, now: @autoclosure () -> Int64 = wallClock()) -> Interval? {
        for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
            if let text = header(reply, name), let count = Double(text), let wait = positive(count / 1000) {
                return wait
            }
        }
        if let text = header(reply, "retry-after"), let wait = wait(text, reply, now: now()) { return wait }
        guard reply.status == 429 || reply.status == 503 || reply.status == 529 || reply.status / 100 == 2 else {
            return nil
        }
        if let wait = RetryText.interval(in: reply, now: now()) { return wait }
        guard reply.status == 429 else { return nil }
        return RateLimitReport(reply, now: now())?.resetOfExhausted
    }

    /// Whether the server says that a retry may succeed, whatever the status.
    static func isRetryWanted(by reply: ModelReply) -> Bool { header(reply, "x-should-retry") == "true" }

    private static func header(_ reply: ModelReply, _ name: String) -> String? {
        reply.headers.isEmpty ? nil : reply.header(name) ?? reply.header("llm_provider-" + name)
    }

    /// A delay in any of the forms that servers use: seconds, a duration such as `1m30.5s`, or an absolute time (an
    /// HTTP date, RFC 3339, seconds or milliseconds since 1970). Absolute times are relative to the reply's own `date`,
    /// so that a wrong local clock does no harm, or else to `now`. Nil for anything that is not a positive delay.
    static func wait(_ text: String, _ reply: ModelReply, now: @autoclosure () -> Int64 = wallClock()) -> Interval? {
        guard text.utf8.count <= textBytesMax else { return nil }
        func until(_ moment: Double) -> Interval? {
            let date = reply.header("date").flatMap(HTTPDate.seconds) ?? now()
            return positive(moment - Double(date))
        }
        if let number = Double(text) {
            return number < momentSecondsMin ? positive(number) : until(secondsSince1970(number))
        }
        if let moment = HTTPDate.seconds(text) ?? RFC3339.seconds(text) { return until(Double(moment)) }
        return duration(text) ?? RetryText.wait(Array(text.lowercased().utf8)[...])
    }

    /// Longer texts are ignored.
    private static let textBytesMax = 64

    /// A larger number of seconds is an absolute time, not a delay: five years.
    private static let momentSecondsMin = 157_680_000.0

    /// An absolute time in seconds; it may be written in milliseconds, microseconds or nanoseconds.
    private static func secondsSince1970(_ number: Double) -> Double {
        switch number {
        case ..<1e11: number
        case ..<1e14: number / 1e3
        case ..<1e17: number / 1e6
        default: number / 1e9
        }
    }

    private static func positive(_ seconds: Double) -> Interval? {
        guard seconds.isFinite, seconds > 0 else { return nil }
        let interval = Interval.seconds(min(seconds, secondsMax))
        // Less than a nanosecond counts as no delay.
        return interval > .zero ? interval : nil
    }

    /// Longer delays are shortened to this.
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

    static func scale(of unit: Substring) -> Double? {
        switch unit {
        case "ms": 0.001
        case "us", "µs", "μs": 0.000_001
        case "ns": 0.000_000_001
        case "s": 1
        case "m": 60
        case "h": 3_600
        case "d": 86_400
        default: nil
        }
    }

    /// Seconds since 1970.
    static func wallClock() -> Int64 { Int64(time(nil)) }
}
