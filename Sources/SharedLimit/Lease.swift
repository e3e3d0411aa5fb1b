public import Basics

/// A client's request for a lease.
public struct LeaseRequest: Sendable, Hashable {
    /// Identifies the client for its whole life, also after restarts: the id of its store.
    public var client: String
    /// Requests that it could send in the next cycle, and the tokens that they may use.
    public var requests: Int
    public var tokens: Int
    /// The money to which the client limits itself from now on, including all that it has ever spent. It has not spent
    /// more and will not until it receives a higher limit.
    public var moneyBound: Int
    /// Money that it could use beyond that, and how much of it would be enough for one request.
    public var moneyWanted: Int
    public var moneyNeeded: Int
    /// Rate-limited requests since its last lease request, and the longest pause that the API asked for.
    public var refused: Int
    public var pause: Interval

    public init(
        client: String, requests: Int = 0, tokens: Int = 0, moneyBound: Int = 0, moneyWanted: Int = 0,
        moneyNeeded: Int = 0, refused: Int = 0, pause: Interval = .zero
    ) {
        self.client = client
        self.requests = requests
        self.tokens = tokens
        self.moneyBound = moneyBound
        self.moneyWanted = moneyWanted
        self.moneyNeeded = moneyNeeded
        self.refused = refused
        self.pause = pause
    }

    /// Maximum bytes of a client's name.
    public static let clientBytesMax = 256
    /// Maximum requests, and tokens, that one lease request can ask for.
    public static let requestsMax = 1 << 20
    public static let tokensMax = 1 << 40
    /// Money is capped so that no sum overflows: nine million dollars in nanodollars.
    public static let moneyMax = 1 << 53
}

/// The limiter's reply: the right to some requests, each at its own time, and a limit on the client's money.
public struct Lease: Sendable, Hashable {
    /// The first request's time and the interval between requests, on the server's clock.
    public var start: Instant
    public var step: Interval
    public var requests: Int
    public var tokens: Int
    /// How long after its time each right expires.
    public var grace: Interval
    /// The client's limit, including all that it has ever spent; nil if money is not limited.
    public var moneyLimit: Int?
    /// The remaining money is less than one request needs.
    public var isSpent: Bool
    /// When to ask again if nothing was granted.
    public var again: Interval
    /// The server's clock at the time of the answer, and the clock's identity, which changes with a restart.
    public var now: Instant
    public var epoch: UInt64
    /// The limits for all clients together.
    public var terms: LimitTerms

    /// The time of a request; at most a lifetime away, whatever a server says.
    func time(of number: Int) -> Instant {
        start + Interval(nanoseconds: Int64(min(Double(step.nanoseconds) * Double(number), 4e18)))
    }
}
