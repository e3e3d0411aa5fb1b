public import Basics
public import ModelAPI

/// How far a run has come. What is counted here is safe on disk.
public struct Progress: Sendable {
    /// Items of the whole run, if known.
    public var itemsTotal: Int?
    public var answered = 0
    public var failed = 0
    /// Of the answered, those that have the answer of an equal request.
    public var reused = 0
    /// Answers that ended for want of tokens (`finish_reason` `length`).
    public var truncated = 0
    /// Answers that were billed and are no outcome: their items are asked again.
    public var rounds = 0
    /// Answers that the verifier has judged, and those that it has let pass.
    public var judged = 0
    public var passed = 0
    /// Of those, how many in which round of their items, from 1.
    public var passedInRound: [Int: Int] = [:]
    /// How often the verifier itself has failed.
    public var verifierFailures = 0
    /// What the last of these said.
    public var verifierTrouble: String?
    /// Answers that are with the verifier or wait for it.
    public var judging = 0
    /// Answers without any text, reasoning or call.
    public var empty = 0
    /// Answers in which a value was found, by the checker's word for how.
    public var valuesFound: [String: Int] = [:]
    /// Requests that came back, whatever they brought. Those that found no server are not among them.
    public var requests = 0
    /// Attempts that found no server: its name was not known, or there was no connection.
    public var unconnected = 0
    /// Replies by which the API asked for a slower pace (429).
    public var rateLimited = 0
    public var usage = TokenUsage()
    /// What the tokens of prompts that came from a cache would have cost more without one, in nanodollars.
    public var savedNanodollars = 0
    /// How long the first pieces of streams took.
    public var firstTokens = TimeSpread()
    /// Attempts that were repeated, by what they failed of.
    public var retries: [FailureClass: Int] = [:]
    /// Failed items, by their last failure.
    public var failures: [FailureClass: Int] = [:]

    /// Requests on their way now.
    public var inFlight = 0
    /// How long the oldest of them has been on its way; told once nothing new is to come.
    public var oldestInFlight: Interval?
    /// Results that wait for room on the disk.
    public var unsaved = 0
    /// Items that wait for their next attempt, and when the first of them is due.
    public var waiting = 0
    public var nextRetryIn: Interval?
    /// The same by what they failed of.
    public var waitingByClass: [FailureClass: Int] = [:]
    /// When the last of them is due.
    public var lastRetryIn: Interval?
    /// Refused items that are neither failed nor pending yet: no request has succeeded so far.
    public var held = 0
    /// Requests that may be in flight now.
    public var concurrency = 0
    /// Requests that may be in flight at most.
    public var concurrencyMax = 0
    /// What keeps new requests from going out.
    public var hold = Hold.none
    /// What the latest failed request met; nil once a later one has succeeded.
    public var lastError: String?
    /// How long an outage will still be waited for; nil when there is none.
    public var outageLeft: Interval?
    /// Whether any request has had a reply.
    public var hasReached = false
    /// The most frequent errors of all attempts, most frequent first.
    public var errors: [ErrorCount] = []

    /// How each endpoint does; empty where there is one.
    public var endpoints: [EndpointProgress] = []

    public var elapsed = Interval.zero
    /// Outcomes a second over the last half minute.
    public var itemsPerSecond = 0.0

    public init() {}

    public var done: Int { answered + failed }

    /// The time left; nil when it cannot be told.
    public var timeLeft: Interval? { itemsTotal.flatMap { timeLeft(items: $0 - done) } }

    /// How long so many items will take at the present rate, and not less than the longest wait for a retry; nil when
    /// that cannot be told, as while nothing is sent.
    public func timeLeft(items: Int) -> Interval? {
        guard !hold.isPause, itemsPerSecond > 0 else { return nil }
        let seconds = min(Double(max(0, items)) / itemsPerSecond, Self.secondsMax)
        return max(.seconds(seconds), lastRetryIn ?? .zero)
    }

    /// Thirty years: longer than any run, and far from overflow.
    private static let secondsMax = 1e9
}

/// What keeps new requests from going out.
public enum Hold: String, Sendable, Hashable {
    /// Nothing but the window's size and what there is to do.
    case none
    /// The user has paused the run.
    case paused
    /// The pace of the user or of the API.
    case rateLimit
    /// The server is down; one probe at a time goes out.
    case serverDown
    /// The API refuses every request as too many; one probe at a time goes out.
    case rateLimited
    /// Every request was refused: if none of those in flight succeeds, the run stops.
    case refused
    /// The rest of the budget is set aside for requests on their way.
    case budget
    /// The verifier does not keep up.
    case verifier
    /// The sink does not keep up.
    case sinkPressed
    /// The disk is full; results are kept in memory.
    case outOfSpace
    /// The run is ending.
    case draining

    /// Whether nothing is sent until something changes that the rate says nothing of.
    public var isPause: Bool {
        switch self {
        case .none, .rateLimit, .verifier, .draining: false
        case .paused, .serverDown, .rateLimited, .refused, .budget, .sinkPressed, .outOfSpace: true
        }
    }
}

extension Progress {
    /// An item has this answer.
    public mutating func count(_ answer: ModelAnswer) {
        answered += 1
        if answer.reusedFrom != nil { reused += 1 }
        usage += answer.usage
        if answer.finishReason == "length" { truncated += 1 }
        if answer.isEmpty { empty += 1 }
        if !answer.valueFound.isEmpty { valuesFound[answer.valueFound, default: 0] += 1 }
    }

    /// An item has failed.
    public mutating func count(_ failure: ItemFailure) {
        failed += 1
        failures[failure.failureClass, default: 0] += 1
    }
}
