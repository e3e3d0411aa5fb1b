import Basics

/// A bucket that refills evenly: `limit` units per minute, maximum `capacity` stored, full at the start.
struct MinuteBucket: Hashable {
    let limit: Int
    let capacity: Int
    private(set) var level: Double
    private var updated: Instant

    private static let minuteNanoseconds = 60e9

    /// - Parameter capacity: nil: one minute's worth.
    init(limit: Int, capacity: Int? = nil, at now: Instant) {
        self.limit = limit
        self.capacity = capacity ?? limit
        level = Double(self.capacity)
        updated = now
    }

    mutating func refill(at now: Instant) {
        let elapsed = Double((now - updated).nanoseconds)
        guard elapsed > 0 else { return }
        level = min(Double(capacity), level + Double(limit) * elapsed / Self.minuteNanoseconds)
        updated = now
    }

    mutating func take(_ amount: Double) { level -= amount }

    /// The time until `amount` is available. An amount above the capacity passes when the bucket is full.
    func wait(for amount: Double) -> Interval {
        let missing = min(amount, Double(capacity)) - level
        guard missing > 0 else { return .zero }
        return Interval(nanoseconds: Int64((missing * Self.minuteNanoseconds / Double(limit)).rounded(.up)))
    }
}

/// Limits requests and tokens per minute, as a value: time goes in, a decision comes out.
struct RateLimiter {
    enum Decision: Hashable {
        case granted
        /// Rejected by the limit named `requests` or `tokens`; the request would pass after this time if no other
        /// arrived.
        case refused(by: String, retryAfter: Interval)
    }

    private var requests: MinuteBucket?
    private var tokens: MinuteBucket?

    /// - Parameter requestsAtOnce: requests that can pass at once after an idle period; nil: one minute's worth.
    init(requestsPerMinute: Int?, tokensPerMinute: Int?, requestsAtOnce: Int? = nil, at now: Instant) {
        requests = requestsPerMinute.map { MinuteBucket(limit: $0, capacity: requestsAtOnce, at: now) }
        tokens = tokensPerMinute.map { MinuteBucket(limit: $0, at: now) }
    }

    var isActive: Bool { requests != nil || tokens != nil }

    /// Takes one request and its tokens from the buckets, or nothing from either.
    mutating func admit(tokens count: Int, at now: Instant) -> Decision {
        requests?.refill(at: now)
        tokens?.refill(at: now)
        if let wait = requests?.wait(for: 1), wait > .zero { return .refused(by: "requests", retryAfter: wait) }
        if let wait = tokens?.wait(for: Double(count)), wait > .zero {
            return .refused(by: "tokens", retryAfter: wait)
        }
        requests?.take(1)
        tokens?.take(Double(count))
        return .granted
    }

    /// The `x-ratelimit-*` headers of the state after the last decision.
    var headers: [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        for (name, bucket) in [("requests", requests), ("tokens", tokens)] {
            guard let bucket else { continue }
            result.append(("x-ratelimit-limit-\(name)", String(bucket.limit)))
            result.append(("x-ratelimit-remaining-\(name)", String(max(0, Int(bucket.level)))))
            result.append(("x-ratelimit-reset-\(name)", Self.text(bucket.wait(for: Double(bucket.capacity)))))
        }
        return result
    }

    /// A duration in the format of these headers: `0s`, `86ms`, `1.500s`, `6m0s`; rounded up to a millisecond.
    static func text(_ interval: Interval) -> String {
        let milliseconds = (interval.nanoseconds + 999_999) / 1_000_000
        if milliseconds > 0, milliseconds < 1000 { return "\(milliseconds)ms" }
        let minutes = milliseconds / 60_000
        let rest = milliseconds % 60_000
        let fraction = rest % 1000 == 0 ? "" : "." + String(String(rest % 1000 + 1000).dropFirst())
        return (minutes > 0 ? "\(minutes)m" : "") + "\(rest / 1000)\(fraction)s"
    }
}
