public import Basics
internal import ModelAPI

/// The user's rate limits. Nil: no limit of that kind.
public struct RateLimits: Sendable, Hashable {
    public var requestsPerSecond: Double?
    public var requestsPerMinute: Double?
    /// Prompt and completion tokens together.
    public var tokensPerMinute: Double?
    /// Minimum interval between two requests.
    public var spacing: Interval?

    public init(
        requestsPerSecond: Double? = nil, requestsPerMinute: Double? = nil, tokensPerMinute: Double? = nil,
        spacing: Interval? = nil
    ) {
        self.requestsPerSecond = requestsPerSecond
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.spacing = spacing
    }
}

/// Decides when the next request may be sent: by the user's limits and by those in the API's headers, whichever is
/// lower.
struct RateLimiter: Sendable {
    private var limits: RateLimits
    private var perSecond: TokenBucket?
    private var perMinute: TokenBucket?
    private var tokens: TokenBucket?
    /// No request is sent before this: because of the spacing, or an API limit that is used up.
    private var notBefore: Instant

    /// Maximum pause taken from a header, unless longer waits are permitted.
    static let pauseMaxDefault = Interval.seconds(60)
    private let pauseMax: Interval

    /// - Parameter waitMax: maximum delay that a server may request.
    init(_ limits: RateLimits, waitMax: Interval = pauseMaxDefault, at now: Instant) {
        self.limits = limits
        pauseMax = min(waitMax, Self.pauseMaxDefault)
        perSecond = limits.requestsPerSecond.map { TokenBucket(perSecond: $0, at: now) }
        perMinute = limits.requestsPerMinute.map { TokenBucket(perSecond: $0 / 60, at: now) }
        tokens = limits.tokensPerMinute.map { TokenBucket(perSecond: $0 / 60, at: now) }
        notBefore = now
    }

    /// When a request of that many tokens may be sent: `now` or earlier means at once.
    func ready(tokens cost: Int, at now: Instant) -> Instant {
        var due = max(now, notBefore)
        if let perSecond { due = max(due, perSecond.ready(for: 1, at: now)) }
        if let perMinute { due = max(due, perMinute.ready(for: 1, at: now)) }
        if let tokens { due = max(due, tokens.ready(for: Double(cost), at: now)) }
        return due
    }

    /// Charges a request to the limits.
    mutating func take(tokens cost: Int, at now: Instant) {
        perSecond?.take(1, at: now)
        perMinute?.take(1, at: now)
        tokens?.take(Double(cost), at: now)
        if let spacing = limits.spacing { notBefore = max(notBefore, now + spacing) }
    }

    /// Corrects the reserved tokens by the tokens used.
    mutating func settle(reserved: Int, used: Int, at now: Instant) {
        tokens?.take(Double(used - reserved), at: now)
    }

    /// Applies what a reply says about the API's own limits.
    mutating func learn(_ report: RateLimitReport, at now: Instant) {
        Self.lower(&perMinute, to: report.requests.limitPerMinute, user: limits.requestsPerMinute, at: now)
        Self.lower(&tokens, to: report.tokens.limitPerMinute, user: limits.tokensPerMinute, at: now)
        for resource in [report.requests, report.tokens] where resource.remaining == 0 {
            guard var pause = resource.reset else { continue }
            // The reset time is when the limit is full again. A limit that refills steadily has room for a request long
            // before; if it does not, 429s say how long to wait.
            if let limit = resource.limitPerMinute { pause = min(pause, .seconds(60 / Double(limit))) }
            notBefore = max(notBefore, now + min(pause, pauseMax))
        }
    }

    mutating func set(perSecond rate: Double?, at now: Instant) {
        limits.requestsPerSecond = rate
        perSecond = rate.map { TokenBucket(perSecond: $0, at: now) }
    }

    mutating func set(perMinute rate: Double?, at now: Instant) {
        limits.requestsPerMinute = rate
        perMinute = rate.map { TokenBucket(perSecond: $0 / 60, at: now) }
    }

    mutating func set(tokensPerMinute rate: Double?, at now: Instant) {
        limits.tokensPerMinute = rate
        tokens = rate.map { TokenBucket(perSecond: $0 / 60, at: now) }
    }

    private static func lower(_ bucket: inout TokenBucket?, to limit: Int?, user: Double?, at now: Instant) {
        guard let limit else { return }
        let rate = min(Double(limit), user ?? .infinity) / 60
        if bucket == nil {
            bucket = TokenBucket(perSecond: rate, at: now)
        } else if bucket!.perSecond != rate {
            bucket!.setRate(perSecond: rate, at: now)
        }
    }
}
