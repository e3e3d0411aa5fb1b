public import Basics

/// The progress of the work at one moment. Counts are of items.
public struct ProgressSnapshot: Sendable, Hashable {
    /// All items; nil if unknown.
    public var total: Int?
    /// Succeeded, including earlier runs.
    public var done: Int
    /// Failed, including earlier runs.
    public var failed: Int
    /// How many of `done` are from earlier runs.
    public var resumed: Int
    /// Requests in flight.
    public var inFlight: Int
    /// Items waiting for their next attempt.
    public var retrying: Int
    /// Recent items per second.
    public var rate: Double
    /// Tokens sent so far in this run.
    public var promptTokens: Int
    /// Tokens received so far in this run.
    public var completionTokens: Int
    /// Recent completion tokens per second.
    public var tokenRate: Double
    /// In US dollars; nil if no price is known.
    public var cost: Double?
    /// Time until everything is done; nil if unknown.
    public var remaining: Interval?
    /// Time since this run began.
    public var elapsed: Interval
    /// A remark, such as what the last items wait for; may be empty.
    public var note: String
    /// Why nothing is being sent; nil if requests are sent.
    public var pausedReason: String?
    /// The state of the process; nil if it was not measured.
    public var health: RunHealth?

    public init(
        total: Int? = nil, done: Int = 0, failed: Int = 0, resumed: Int = 0, inFlight: Int = 0, retrying: Int = 0,
        rate: Double = 0, promptTokens: Int = 0, completionTokens: Int = 0, tokenRate: Double = 0,
        cost: Double? = nil, remaining: Interval? = nil, elapsed: Interval = .zero, note: String = "",
        pausedReason: String? = nil, health: RunHealth? = nil
    ) {
        self.total = total
        self.done = done
        self.failed = failed
        self.resumed = resumed
        self.inFlight = inFlight
        self.retrying = retrying
        self.rate = rate
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.tokenRate = tokenRate
        self.cost = cost
        self.remaining = remaining
        self.elapsed = elapsed
        self.note = note
        self.pausedReason = pausedReason
        self.health = health
    }

    /// Items with an outcome.
    public var settled: Int { done + failed }
    /// Whether every item has an outcome.
    public var isComplete: Bool { total.map { settled >= $0 } ?? false }
}
