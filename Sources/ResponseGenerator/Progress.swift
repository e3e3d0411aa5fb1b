public import Basics
public import ModelAPI

/// The progress of a run. Everything counted here is on disk.
public struct Progress: Sendable {
    /// Items of the whole run, if known.
    public var itemsTotal: Int?
    public var answered = 0
    public var failed = 0
    /// Answered items that have the answer of an equal request.
    public var reused = 0
    /// Answers truncated at the token limit (`finish_reason` `length`).
    public var truncated = 0
    /// Billed answers that are not an outcome: their items are sent again.
    public var rounds = 0
    /// Answers that the verifier judged, and how many of them passed.
    public var judged = 0
    public var passed = 0
    /// Passed answers by the round of their item, from 1.
    public var passedInRound: [Int: Int] = [:]
    /// Failures of the verifier itself.
    public var verifierFailures = 0
    /// The message of the latest verifier failure.
    public var verifierTrouble: String?
    /// Answers being judged or waiting for it.
    public var judging = 0
    /// Answers without any text, reasoning or call.
    public var empty = 0
    /// Answers in which a value was found, by the checker's name for the way.
    public var valuesFound: [String: Int] = [:]
    /// Requests that returned, with whatever result. Those that reached no server are not counted.
    public var requests = 0
    /// Attempts that reached no server: unknown name, or no connection.
    public var unconnected = 0
    /// Replies with status 429.
    public var rateLimited = 0
    public var usage = TokenUsage()
    /// What cached prompt tokens would have cost in addition without the cache, in nanodollars.
    public var savedNanodollars = 0
    /// Times to the first piece of streams.
    public var firstTokens = TimeSpread()
    /// Retried attempts, by failure class.
    public var retries: [FailureClass: Int] = [:]
    /// Failed items, by the class of their last failure.
    public var failures: [FailureClass: Int] = [:]

    /// Requests in flight now.
    public var inFlight = 0
    /// How long the oldest of them has been in flight; set once the source is exhausted.
    public var oldestInFlight: Interval?
    /// Results that wait for room on the disk.
    public var unsaved = 0
    /// Items waiting for their next attempt, and when the first of them is due.
    public var waiting = 0
    public var nextRetryIn: Interval?
    /// Waiting items by failure class.
    public var waitingByClass: [FailureClass: Int] = [:]
    /// When the last of them is due.
    public var lastRetryIn: Interval?
    /// Refused items that are neither failed nor pending yet: no request has succeeded so far.
    public var held = 0
    /// Current limit of requests in flight.
    public var concurrency = 0
    /// Maximum requests in flight.
    public var concurrencyMax = 0
    /// What prevents new requests from being sent.
    public var hold = Hold.none
    /// The error of the latest failed request; nil once a later one has succeeded.
    public var lastError: String?
    /// How much longer an outage is waited for; nil if there is none.
    public var outageLeft: Interval?
    /// Whether any request has had a reply.
    public var hasReached = false
    /// The most frequent errors of all attempts, most frequent first.
    public var errors: [ErrorCount] = []

    /// The effect of duplicate requests; nil if none are sent.
    public var hedges: HedgeCounts?
    /// The state of each endpoint; empty if there is one.
    public var endpoints: [EndpointProgress] = []

    public var elapsed = Interval.zero
    /// Outcomes per second over the last half minute.
    public var itemsPerSecond = 0.0

    public init() {}

    public var done: Int { answered + failed }

    /// The estimated time left; nil if unknown.
    public var timeLeft: Interval? { itemsTotal.flatMap { timeLeft(items: $0 - done) } }

    /// How long this many items will take at the current rate, at least the longest wait for a retry; nil if unknown,
    /// as while nothing is sent.
    public func timeLeft(items: Int) -> Interval? {
        guard !hold.isPause, itemsPerSecond > 0 else { return nil }
        let seconds = min(Double(max(0, items)) / itemsPerSecond, Self.secondsMax)
        return max(.seconds(seconds), lastRetryIn ?? .zero)
    }

    /// Thirty years: longer than any run, and far from overflow.
    private static let secondsMax = 1e9
}

/// What prevents new requests from being sent.
public enum Hold: String, Sendable, Hashable {
    /// Nothing except the window's size and the available work.
    case none
    /// The user has paused the run.
    case paused
    /// A rate limit of the user or of the API.
    case rateLimit
    /// The server is down; one probe at a time is sent.
    case serverDown
    /// The API answers every request with 429; one probe at a time is sent.
    case rateLimited
    /// Every request was refused: if none of those in flight succeeds, the run stops.
    case refused
    /// The rest of the budget is reserved for requests in flight.
    case budget
    /// The verifier does not keep up.
    case verifier
    /// The sink does not keep up.
    case sinkPressed
    /// The disk is full; results are kept in memory.
    case outOfSpace
    /// The run is ending.
    case draining

    /// Whether nothing is sent until something other than a rate limit changes.
    public var isPause: Bool {
        switch self {
        case .none, .rateLimit, .verifier, .draining: false
        case .paused, .serverDown, .rateLimited, .refused, .budget, .sinkPressed, .outOfSpace: true
        }
    }
}

extension Progress {
    /// Counts an item's answer.
    public mutating func count(_ answer: ModelAnswer) {
        answered += 1
        if answer.reusedFrom != nil { reused += 1 }
        usage += answer.usage
        if answer.finishReason == "length" { truncated += 1 }
        if answer.isEmpty { empty += 1 }
        if !answer.valueFound.isEmpty { valuesFound[answer.valueFound, default: 0] += 1 }
    }

    /// Counts a failed item.
    public mutating func count(_ failure: ItemFailure) {
        failed += 1
        failures[failure.failureClass, default: 0] += 1
    }
}
