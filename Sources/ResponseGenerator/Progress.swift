public import Basics
public import ModelAPI

/// How far a run has come. What is counted here is safe on disk.
public struct Progress: Sendable {
    /// Items of the whole run, if known.
    public var itemsTotal: Int?
    public var answered = 0
    public var failed = 0
    /// Answers that ended for want of tokens (`finish_reason` `length`).
    public var truncated = 0
    /// Requests that came back, whatever they brought.
    public var requests = 0
    public var usage = TokenUsage()
    /// Attempts that will be repeated, by what they failed of.
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
    /// Requests that may be in flight now.
    public var concurrency = 0
    /// What keeps new requests from going out.
    public var hold = Hold.none

    public var elapsed = Interval.zero
    /// Outcomes a second over the last half minute.
    public var itemsPerSecond = 0.0

    public init() {}

    public var done: Int { answered + failed }

    /// The time left at the present rate; nil when it cannot be told.
    public var timeLeft: Interval? {
        guard let itemsTotal, itemsPerSecond > 0 else { return nil }
        return .seconds(Double(max(0, itemsTotal - done)) / itemsPerSecond)
    }
}

/// What keeps new requests from going out.
public enum Hold: String, Sendable, Hashable {
    /// Nothing but the window's size and what there is to do.
    case none
    /// The pace of the user or of the API.
    case rateLimit
    /// The server is down; one probe at a time goes out.
    case serverDown
    /// The rest of the budget is set aside for requests on their way.
    case budget
    /// The sink does not keep up.
    case sinkPressed
    /// The disk is full; results are kept in memory.
    case outOfSpace
    /// The run is ending.
    case draining
}
