public import Basics

/// What a reply's headers say about the API's rate limits.
///
/// OpenAI's names (`x-ratelimit-limit-requests`, `-remaining-`, `-reset-`, the same for `tokens`), which most
/// compatible servers share, Anthropic's (`anthropic-ratelimit-requests-limit`, ...), and the bare ones of Together and
/// OpenRouter (`x-ratelimit-reset`), which name no resource. Limits are per minute.
public struct RateLimitReport: Sendable, Hashable {
    /// One resource: requests, or tokens.
    public struct Resource: Sendable, Hashable {
        /// Per minute.
        public var limit: Int?
        public var remaining: Int?
        /// From the reply until the limit is full again.
        public var reset: Interval?

        public init(limit: Int? = nil, remaining: Int? = nil, reset: Interval? = nil) {
            self.limit = limit
            self.remaining = remaining
            self.reset = reset
        }

        /// Limits that take longer to reset are not per minute.
        static let resetSecondsMax = 61.0

        /// The limit, if it can be per minute.
        public var limitPerMinute: Int? {
            guard let limit, limit > 0, (reset?.seconds ?? 0) <= Self.resetSecondsMax else { return nil }
            return limit
        }
    }

    public var requests = Resource()
    public var tokens = Resource()
    /// Anthropic's more specific limits, and unnamed ones; they only say when to retry.
    private var others: [Substring: Resource] = [:]

    public init(requests: Resource = Resource(), tokens: Resource = Resource()) {
        self.requests = requests
        self.tokens = tokens
    }

    /// Nil if the reply says nothing about limits.
    public init?(_ reply: ModelReply) { self.init(reply, now: RetryHint.wallClock()) }

    /// - Parameter now: seconds since 1970, for absolute times in a reply without a date.
    init?(_ reply: ModelReply, now: @autoclosure () -> Int64) {
        var found = false
        for (name, value) in reply.headers where name.utf8.count >= Self.nameBytesMin {
            var name = Substring(name)
            if name.hasPrefix("llm_provider-") { name = name.dropFirst("llm_provider-".count) }
            guard let prefix = Self.prefixes.first(where: name.hasPrefix) else { continue }
            name = name.dropFirst(prefix.count)
            if prefix.first == "a" {
                // Anthropic names the resource first.
                guard let dash = name.lastIndex(of: "-") else { continue }
                let property = name[name.index(after: dash)...]
                found = read(property, of: name[..<dash], value, reply, now: now()) || found
            } else {
                let property = name.prefix { $0 != "-" }
                found = read(property, of: name.dropFirst(property.count + 1), value, reply, now: now()) || found
            }
        }
        if !found { return nil }
    }

    /// The length of the shortest header name read here: `x-ratelimit-reset`.
    private static let nameBytesMin = 15
    private static let prefixes = ["x-ratelimit-", "anthropic-ratelimit-", "ratelimit-"]

    private mutating func read(
        _ property: Substring, of resource: Substring, _ value: String, _ reply: ModelReply, now: Int64
    ) -> Bool {
        guard ["limit", "remaining", "reset"].contains(property) else { return false }
        func set(_ resource: inout Resource) {
            switch property {
            case "limit": resource.limit = Self.count(value)
            case "remaining": resource.remaining = Self.count(value)
            default: resource.reset = RetryHint.wait(value, reply, now: now)
            }
        }
        switch resource {
        case "requests", "req-minute": set(&requests)
        case "tokens", "tokens-minute": set(&tokens)
        case "", "input-tokens", "output-tokens", "project-tokens", "tokens-usage-based", "tokens_usage_based":
            set(&others[resource, default: Resource()])
        default: return false
        }
        return true
    }

    /// Azure writes -1 for unknown.
    private static func count(_ text: String) -> Int? {
        Int(text).flatMap { $0 < 0 ? nil : $0 }
    }

    /// The longest reset time among exhausted limits; without counts, the shortest reset time.
    var resetOfExhausted: Interval? {
        let resources = [requests, tokens] + others.values
        if resources.allSatisfy({ $0.remaining == nil }) { return resources.compactMap(\.reset).min() }
        return resources.filter { $0.remaining == 0 }.compactMap(\.reset).max()
    }
}
