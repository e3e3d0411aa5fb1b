public import Basics

/// What a reply's headers say about the API's rate limits.
///
/// OpenAI's names (`x-ratelimit-limit-requests`, `-remaining-`, `-reset-`, the same for `tokens`), which most
/// compatible servers share, and Anthropic's (`anthropic-ratelimit-requests-limit`, ...). Limits are per minute.
public struct RateLimitReport: Sendable, Hashable {
    /// One resource: requests, or tokens.
    public struct Resource: Sendable, Hashable {
        /// Per minute.
        public var limit: Int?
        public var remaining: Int?
        /// From the reply on, until the limit is whole again.
        public var reset: Interval?

        public init(limit: Int? = nil, remaining: Int? = nil, reset: Interval? = nil) {
            self.limit = limit
            self.remaining = remaining
            self.reset = reset
        }

        /// Limits that take longer to reset are not per minute.
        static let resetSecondsMax = 61.0

        /// The limit, if it can be one per minute.
        public var limitPerMinute: Int? {
            guard let limit, limit > 0, (reset?.seconds ?? 0) <= Self.resetSecondsMax else { return nil }
            return limit
        }
    }

    public var requests = Resource()
    public var tokens = Resource()

    public init(requests: Resource = Resource(), tokens: Resource = Resource()) {
        self.requests = requests
        self.tokens = tokens
    }

    /// Nil when the reply says nothing about limits.
    public init?(_ reply: ModelReply) {
        var found = false
        for (name, value) in reply.headers where name.utf8.count > Self.nameBytesMin {
            if name.hasPrefix("x-ratelimit-") {
                found = read(name.dropFirst("x-ratelimit-".count), value) || found
            } else if name.hasPrefix("anthropic-ratelimit-") {
                let words = name.dropFirst("anthropic-ratelimit-".count).split(separator: "-")
                if words.count == 2 { found = read("\(words[1])-\(words[0])", value, dated: reply) || found }
            }
        }
        if !found { return nil }
    }

    /// The shortest header name read here is longer than this.
    private static let nameBytesMin = 20

    private mutating func read(_ name: some StringProtocol, _ value: String, dated reply: ModelReply? = nil) -> Bool {
        switch name {
        case "limit-requests": requests.limit = Int(value)
        case "limit-tokens": tokens.limit = Int(value)
        case "remaining-requests": requests.remaining = Int(value)
        case "remaining-tokens": tokens.remaining = Int(value)
        case "reset-requests": requests.reset = Self.reset(value, reply)
        case "reset-tokens": tokens.reset = Self.reset(value, reply)
        default: return false
        }
        return true
    }

    /// OpenAI sends a duration, Anthropic a moment (RFC 3339), which is read against the reply's own date.
    private static func reset(_ value: String, _ reply: ModelReply?) -> Interval? {
        guard let reply else { return RetryHint.duration(value) }
        guard let due = RFC3339.seconds(value), let date = reply.header("date").flatMap(HTTPDate.seconds) else {
            return nil
        }
        return .seconds(Double(max(0, due - date)))
    }

    /// The longest reset among the limits that have nothing left; without counts, the shortest reset named.
    var resetOfExhausted: Interval? {
        let resources = [requests, tokens]
        if resources.allSatisfy({ $0.remaining == nil }) { return resources.compactMap(\.reset).min() }
        return resources.filter { $0.remaining == 0 }.compactMap(\.reset).max()
    }
}
