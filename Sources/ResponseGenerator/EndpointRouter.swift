public import Basics

/// One of several servers that answer the same requests.
public struct EndpointSettings: Sendable, Hashable {
    /// Its address, as messages and records name it.
    public var name: String
    /// Its share of the requests in flight, against that of the others.
    public var weight: Double
    /// Requests in flight there at most; nil: as many as the run has.
    public var concurrency: Int?
    /// Its own limits; those of the run hold for all endpoints together.
    public var limits: RateLimits

    public init(
        name: String, weight: Double = 1, concurrency: Int? = nil, limits: RateLimits = RateLimits()
    ) {
        (self.name, self.weight, self.concurrency, self.limits) = (name, weight, concurrency, limits)
    }

    /// Endpoints of one run.
    public static let countMax = 64
    /// The largest weight; the least is its inverse.
    public static let weightMax = 1000.0
}

/// Decides which of several endpoints gets the next request: the one with the least in flight for its weight, of those that
/// serve and have room.
///
/// Each endpoint has a breaker, a window and rates of its own, so that one that fails or refuses drops out, is probed, and
/// comes back, while the others take what it would have got. A value without clock and I/O.
struct EndpointRouter: Sendable {
    /// An endpoint and how it does.
    struct Endpoint: Sendable {
        let settings: EndpointSettings
        var breaker = CircuitBreaker()
        var adaptive: AdaptiveConcurrency
        var limiter: RateLimiter
        /// Nothing goes there before this: it has refused a request for its rate.
        var pausedUntil = Instant(nanoseconds: 0)
        var inFlight = 0
        var sent = 0
        var counts = EndpointCounts()
        /// Refusals of its key, its model or its address with no answer between them.
        var refusals = 0
        /// Why it gets no more requests in this run.
        var exclusion: String?
    }

    enum Choice: Sendable, Hashable {
        case send(Int, isProbe: Bool)
        case wait(Hold, until: Instant?)
    }

    /// No endpoint serves.
    struct Outage: Sendable {
        /// When the last of them ceased to.
        var since: Instant
        var trouble: CircuitBreaker.Trouble
        /// The fewest failed probes in a row, of all, whose cause waiting cannot change.
        var hopelessProbes: Int
    }

    /// Refusals in a row of an endpoint's key, model or address that exclude it.
    static let refusalsMax = 3
    /// How long an endpoint that refuses for its rate gets nothing, where it does not say; and at most.
    static let pause = Interval.milliseconds(250)
    static let pauseMax = Interval.seconds(5)

    private(set) var endpoints: [Endpoint]

    /// - Parameters:
    ///   - concurrency: requests in flight of the whole run.
    ///   - automatic: find each endpoint's window from below.
    ///   - waitMax: the longest wait that an endpoint may ask for.
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

    /// Where a request of so many tokens goes now. An endpoint of the mask `avoiding` gets it only where no other can.
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

    /// Which of two endpoints is better, the lesser one.
    private struct Rank: Comparable {
        let isAvoided: Bool
        let isProbe: Bool
        let load: Double
        /// Of equal loads the one that has had less.
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

    /// Whether an endpoint outside the mask serves, as far as is known.
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

    /// Requests that may be in flight now, at all endpoints that serve.
    var limit: Int {
        endpoints.reduce(0) { $0 + ($1.exclusion == nil && !$1.breaker.isOpen ? $1.adaptive.limit : 0) }
    }

    // MARK: What happened

    /// Notes a dispatch; its number is handed back when the request returns.
    mutating func dispatched(_ place: Int, tokens: Int, isProbe: Bool, at now: Instant) -> UInt64 {
        endpoints[place].limiter.take(tokens: tokens, at: now)
        endpoints[place].inFlight += 1
        endpoints[place].sent += 1
        if isProbe { endpoints[place].breaker.probeDispatched() }
        return endpoints[place].adaptive.dispatched(inFlight: endpoints[place].inFlight)
    }

    /// A request came back, whatever it brought.
    mutating func returned(_ place: Int) { endpoints[place].inFlight -= 1 }

    /// A reply came.
    mutating func replied(_ place: Int, dispatch: UInt64, isRefused: Bool, latency: Interval) {
        endpoints[place].adaptive.returned(dispatch, refused: isRefused, latency: latency)
    }

    /// The endpoint has refused a request for its rate.
    mutating func refusedForRate(_ place: Int, hint: Interval?, at now: Instant) {
        let wanted = hint.flatMap { $0 > .zero ? $0 : nil } ?? Self.pause
        endpoints[place].pausedUntil = max(endpoints[place].pausedUntil, now + min(wanted, Self.pauseMax))
    }

    /// The endpoint has refused a request for its own sake. It is excluded when that is proven or has happened too often.
    mutating func refused(_ place: Int, _ message: String, isProven: Bool) {
        endpoints[place].refusals += 1
        if isProven || endpoints[place].refusals >= Self.refusalsMax { endpoints[place].exclusion = message }
    }

    /// Changes what is kept of an endpoint.
    mutating func update(_ place: Int, _ change: (inout Endpoint) -> Void) { change(&endpoints[place]) }

    /// What is to be told of each.
    var progress: [EndpointProgress] { endpoints.map(EndpointProgress.init) }
}

/// What the requests to an endpoint have brought.
struct EndpointCounts: Sendable {
    var requests = 0
    var answers = 0
    var rateLimited = 0
    var failures = 0
    var completionTokens = 0
    /// Of the answers, in all.
    var latency = Interval.zero
    var lastError = ""
}

/// How one of several endpoints does.
public struct EndpointProgress: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        case up
        /// It serves no request; one probe at a time goes there.
        case down
        /// It refuses every request as too many.
        case rateLimited = "rate_limited"
        /// It refuses its key, its model or its address: it gets nothing more in this run.
        case excluded
    }

    public var name: String
    public var state: State
    /// Requests that came back, and those of them that brought an answer.
    public var requests: Int
    public var answers: Int
    /// Replies by which it asked for a slower pace (429).
    public var rateLimited: Int
    /// Requests that broke off or were refused for another reason.
    public var failures: Int
    public var completionTokens: Int
    public var inFlight: Int
    /// Requests that may be in flight there now.
    public var concurrency: Int
    /// The mean of its answers.
    public var latency: Interval
    /// What its latest failure was; empty once an answer has come.
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
