public import Basics

/// What a client asks for.
public struct LeaseRequest: Sendable, Hashable {
    /// Names the client for its whole life, over restarts too: the id of its store.
    public var client: String
    /// Requests that it could send in the coming cycle, and the tokens that they may take.
    public var requests: Int
    public var tokens: Int
    /// The money to which it limits itself from now on, all that it has ever spent included: it has not spent more and
    /// will not until it is told a higher limit.
    public var moneyBound: Int
    /// Money beyond that which it could use, and how much of it would be enough for one request.
    public var moneyWanted: Int
    public var moneyNeeded: Int
    /// Requests that were refused for their rate since the last time it asked, and the longest pause that the API
    /// wished for.
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

    /// Bytes of a client's name.
    public static let clientBytesMax = 256
    /// Requests and tokens that one request can ask for.
    public static let requestsMax = 1 << 20
    public static let tokensMax = 1 << 40
    /// Money that is bounded so far that no sum of it overflows: nine million dollars in nanodollars.
    public static let moneyMax = 1 << 53
}

/// What a client is given: the right to some requests, each at its own time, and a limit to its money.
public struct Lease: Sendable, Hashable {
    /// The first request's time and the time between two, by the server's clock.
    public var start: Instant
    public var step: Interval
    public var requests: Int
    public var tokens: Int
    /// How long after its time each right ends.
    public var grace: Interval
    /// The client's limit, all that it has ever spent included; nil where money is not limited.
    public var moneyLimit: Int?
    /// There was less money left than a request needs.
    public var isSpent: Bool
    /// When to ask again if nothing was given.
    public var again: Interval
    /// The server's clock when it answered, and which clock it is: another after a restart.
    public var now: Instant
    public var epoch: UInt64
    /// What all clients may do together.
    public var terms: LimitTerms

    /// The time of a request. No further than a lifetime away, whatever a server says.
    func time(of number: Int) -> Instant {
        start + Interval(nanoseconds: Int64(min(Double(step.nanoseconds) * Double(number), 4e18)))
    }
}
