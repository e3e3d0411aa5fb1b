public import Basics

/// How far the work is, at one moment. Counts are of items.
public struct ProgressSnapshot: Sendable, Hashable {
    /// All items there are; nil while it is not known.
    public var total: Int?
    /// Succeeded, those of earlier runs included.
    public var done: Int
    /// Ended without success, those of earlier runs included.
    public var failed: Int
    /// Of `done`, those that earlier runs had finished.
    public var resumed: Int
    /// Requests under way.
    public var inFlight: Int
    /// Items that wait for their next attempt.
    public var retrying: Int
    /// Items per second, of late.
    public var rate: Double
    /// Tokens sent so far in this run.
    public var promptTokens: Int
    /// Tokens received so far in this run.
    public var completionTokens: Int
    /// Completion tokens per second, of late.
    public var tokenRate: Double
    /// In US dollars; nil where no price is known.
    public var cost: Double?
    /// Until everything is done; nil while it cannot be told.
    public var remaining: Interval?
    /// Since this run began.
    public var elapsed: Interval
    /// What there is to say, such as what the last items wait for; may be empty.
    public var note: String
    /// Why nothing is sent for now; nil when not paused.
    public var pausedReason: String?
    /// How the process itself is doing; nil where nobody has looked.
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
    /// Whether every item has its outcome.
    public var isComplete: Bool { total.map { settled >= $0 } ?? false }
}
