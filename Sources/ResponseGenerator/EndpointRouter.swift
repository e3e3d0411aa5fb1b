public import Basics

/// One of several servers that answer the same requests.
public struct EndpointSettings: Sendable, Hashable {
    /// Its address, as in messages and records.
    public var name: String
    /// Its weight in the distribution of requests in flight.
    public var weight: Double
    /// Maximum requests in flight there; nil: as many as the run has.
    public var concurrency: Int?
    /// Its own rate limits; those of the run apply to all endpoints together.
    public var limits: RateLimits

    public init(
        name: String, weight: Double = 1, concurrency: Int? = nil, limits: RateLimits = RateLimits()
    ) {
        (self.name, self.weight, self.concurrency, self.limits) = (name, weight, concurrency, limits)
    }

    /// Maximum endpoints of a run.
    public static let countMax = 64
    /// The largest weight; the smallest is its inverse.
    public static let weightMax = 1000.0
}

/// Chooses the endpoint for the next request: of those that serve and have room, the one with the fewest requests in
/// flight relative to its weight.
///
/// Each endpoint has its own breaker, window and rates. An endpoint that fails or rate-limits drops out, is probed, and
/// returns, while the others take its requests. A value without clock or I/O.
struct EndpointRouter: Sendable {
    /// An endpoint and its state.
    struct Endpoint: Sendable {
        let settings: EndpointSettings
        var breaker = CircuitBreaker()
        var adaptive: AdaptiveConcurrency
        var limiter: RateLimiter
        /// No request is sent there before this time, because of a 429.
        var pausedUntil = Instant(nanoseconds: 0)
        var inFlight = 0
        var sent = 0
        var counts = EndpointCounts()
        /// Consecutive refusals of its key, model or address.
        var refusals = 0
        /// Why it is excluded from the rest of this run.
        var exclusion: String?
    }

    enum Choice: Sendable, Hashable {
        case send(Int, isProbe: Bool)
        case wait(Hold, until: Instant?)
    }

    /// No endpoint serves.
    struct Outage: Sendable {
        /// When the last one stopped serving.
        var since: Instant
        var trouble: CircuitBreaker.Trouble
        /// The smallest number, over all endpoints, of consecutive failed probes with a cause that waiting cannot
        /// change.
        var hopelessProbes: Int
    }

    /// Consecutive refusals of key, model or address that exclude an endpoint.
    static let refusalsMax = 3
    /// Pause of an endpoint after a 429 without a requested delay; and the maximum pause.
    static let pause = Interval.milliseconds(250)
    static let pauseMax = Interval.seconds(5)

    private(set) var endpoints: [Endpoint]

    /// - Parameters:
    ///   - concurrency: maximum requests in flight of the whole run.
    ///   - automatic: find each endpoint's window from below.
    ///   - waitMax: maximum delay that an endpoint may request.
    init(
        _ settings: [EndpointSettings], concurrency: Int, automatic: Bool,
        waitMax: Interval = RateLimiter.pauseMaxDefault, at now: Instant
    ) {
        endpoints = settings.prefix(EndpointSettings.countMax).map { one in
            Endpoint(
                settings: one,
                adaptive: AdaptiveConcurrency(
                    ceiling: max(1, min(one.concurrency ?? concurrency, concurrency)), automatic: automatic),
                limiter: RateLimiter(one.limits, waitMax: waitMax, at: now))
        }
    }

    // MARK: Deciding

    /// The endpoint for a request of that many tokens now. Endpoints in the mask `avoiding` are chosen only if no other
    /// can take it.
    func choose(tokens: Int, avoiding: UInt64, at now: Instant) -> Choice {
        var best: (place: Int, isProbe: Bool, rank: Rank)?
        var due: Instant?
        var (isFull, isPaced, isRefusing) = (false, false, false)
        for place in endpoints.indices where endpoints[place].exclusion == nil {
            var isProbe = false
            switch endpoints[place].breaker.permission(at: now) {
            case .go:
                guard endpoints[place].inFlight < endpoints[place].adaptive.limit else {
                    isFull = true
                    continue
                }
            case .probe: isProbe = true
            case .wait(let until):
                if endpoints[place].breaker.trouble == .refusal { isRefusing = true }
                due = Self.earlier(due, until)
                continue
            }
            let pace = max(
                endpoints[place].limiter.ready(tokens: tokens, at: now), endpoints[place].pausedUntil)
            guard pace <= now else {
                isPaced = true
                due = Self.earlier(due, pace)
                continue
            }
            let rank = Rank(endpoints[place], isAvoided: avoiding >> UInt64(place) & 1 == 1, isProbe: isProbe)
            if best.map({ rank < $0.rank }) ?? true { best = (place, isProbe, rank) }
        }
        if let best { return .send(best.place, isProbe: best.isProbe) }
        let hold: Hold = isFull ? .none : isPaced ? .rateLimit : isRefusing ? .rateLimited : .serverDown
        return .wait(hold, until: due)
    }

    /// Orders endpoints; the smaller is the better one.
    private struct Rank: Comparable {
        let isAvoided: Bool
        let isProbe: Bool
        let load: Double
        /// If loads are equal, the one that has had fewer requests.
        let sent: Double

        init(_ endpoint: Endpoint, isAvoided: Bool, isProbe: Bool) {
            (self.isAvoided, self.isProbe) = (isAvoided, isProbe)
            load = Double(endpoint.inFlight + 1) / endpoint.settings.weight
            sent = Double(endpoint.sent) / endpoint.settings.weight
        }

        static func < (a: Rank, b: Rank) -> Bool {
            if a.isAvoided != b.isAvoided { return b.isAvoided }
            if a.isProbe != b.isProbe { return a.isProbe }
            return a.load != b.load ? a.load < b.load : a.sent < b.sent
        }
    }

    private static func earlier(_ a: Instant?, _ b: Instant?) -> Instant? {
        guard let a, let b else { return a ?? b }
        return min(a, b)
    }

    /// Whether an endpoint outside the mask appears to serve.
    func hasOther(than avoided: UInt64) -> Bool {
        endpoints.indices.contains { place in
            avoided >> UInt64(place) & 1 == 0 && endpoints[place].exclusion == nil && !endpoints[place].breaker.isOpen
        }
    }

    /// Nil as long as one endpoint serves.
    var outage: Outage? {
        var outage: Outage?
        for endpoint in endpoints where endpoint.exclusion == nil {
            guard let since = endpoint.breaker.downSince else { return nil }
            let hopeless = min(endpoint.breaker.hopelessProbes, outage?.hopelessProbes ?? .max)
            if let before = outage, before.since >= since {
                outage?.hopelessProbes = hopeless
            } else {
                outage = Outage(since: since, trouble: endpoint.breaker.trouble, hopelessProbes: hopeless)
            }
        }
        return outage
    }

    /// The current limit of requests in flight over all serving endpoints.
    var limit: Int {
        endpoints.reduce(0) { $0 + ($1.exclusion == nil && !$1.breaker.isOpen ? $1.adaptive.limit : 0) }
    }

    // MARK: What happened

    /// Notes a dispatch; its number must be passed back when the request returns.
    mutating func dispatched(_ place: Int, tokens: Int, isProbe: Bool, at now: Instant) -> UInt64 {
        endpoints[place].limiter.take(tokens: tokens, at: now)
        endpoints[place].inFlight += 1
        endpoints[place].sent += 1
        if isProbe { endpoints[place].breaker.probeDispatched() }
        return endpoints[place].adaptive.dispatched(inFlight: endpoints[place].inFlight)
    }

    /// A request returned, with whatever result.
    mutating func returned(_ place: Int) { endpoints[place].inFlight -= 1 }

    /// A reply arrived.
    mutating func replied(_ place: Int, dispatch: UInt64, isRefused: Bool, latency: Interval) {
        endpoints[place].adaptive.returned(dispatch, refused: isRefused, latency: latency)
    }

    /// The endpoint answered with 429.
    mutating func refusedForRate(_ place: Int, hint: Interval?, at now: Instant) {
        let wanted = hint.flatMap { $0 > .zero ? $0 : nil } ?? Self.pause
        endpoints[place].pausedUntil = max(endpoints[place].pausedUntil, now + min(wanted, Self.pauseMax))
    }

    /// The endpoint refused a request for its key, model or address. It is excluded when that is proven or has happened
    /// too often.
    mutating func refused(_ place: Int, _ message: String, isProven: Bool) {
        endpoints[place].refusals += 1
        if isProven || endpoints[place].refusals >= Self.refusalsMax { endpoints[place].exclusion = message }
    }

    /// Changes the state of an endpoint.
    mutating func update(_ place: Int, _ change: (inout Endpoint) -> Void) { change(&endpoints[place]) }

    /// The progress of each endpoint.
    var progress: [EndpointProgress] { endpoints.map(EndpointProgress.init) }
}

/// The counts of an endpoint.
struct EndpointCounts: Sendable {
    var requests = 0
    var answers = 0
    var rateLimited = 0
    var failures = 0
    var completionTokens = 0
    /// Total latency of its answers.
    var latency = Interval.zero
    var lastError = ""
}

/// The state of one of several endpoints.
public struct EndpointProgress: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        case up
        /// Does not serve; gets one probe at a time.
        case down
        /// Answers every request with 429.
        case rateLimited = "rate_limited"
        /// Refuses its key, model or address: it gets no more requests in this run.
        case excluded
    }

    public var name: String
    public var state: State
    /// Requests that returned, and how many of them brought an answer.
    public var requests: Int
    public var answers: Int
    /// Replies with status 429.
    public var rateLimited: Int
    /// Requests that broke off or were refused for another reason.
    public var failures: Int
    public var completionTokens: Int
    public var inFlight: Int
    /// Current limit of its requests in flight.
    public var concurrency: Int
    /// The mean over its answers.
    public var latency: Interval
    /// Its latest failure; empty once an answer has arrived.
    public var lastError: String

    init(_ endpoint: EndpointRouter.Endpoint) {
        let counts = endpoint.counts
        name = endpoint.settings.name
        state =
            endpoint.exclusion != nil
            ? .excluded : !endpoint.breaker.isOpen ? .up : endpoint.breaker.trouble == .refusal ? .rateLimited : .down
        (requests, answers, rateLimited) = (counts.requests, counts.answers, counts.rateLimited)
        (failures, completionTokens) = (counts.failures, counts.completionTokens)
        (inFlight, concurrency) = (endpoint.inFlight, endpoint.adaptive.limit)
        latency = counts.answers > 0 ? counts.latency * (1 / Double(counts.answers)) : .zero
        lastError = endpoint.exclusion ?? counts.lastError
    }
}
