public import Basics

/// How to end a run before its input is used up. From any thread; a later one can only hurry.
public enum Stop: Sendable, Hashable {
    /// Take no new work and let what is in flight finish, until the deadline if there is one.
    case drain(deadline: Instant?)
    /// Cancel what is in flight. What was received is kept.
    case now
}

/// How a run ended.
public struct RunSummary: Sendable {
    public enum Ending: Sendable, Hashable {
        /// Every item of the source has its outcome.
        case completed
        /// Someone asked for it.
        case stopped
        /// `error` says why.
        case failed
    }

    public var ending: Ending
    /// What went wrong: the API's refusal, the source's or the sink's error. A source's error lets the rest complete.
    public var error: RetortError?
    /// The final counts.
    public var progress: Progress
    /// Results that were received but that the sink would not take, even when offered once more.
    public var unsaved: Int

    public init(ending: Ending, error: RetortError?, progress: Progress, unsaved: Int) {
        self.ending = ending
        self.error = error
        self.progress = progress
        self.unsaved = unsaved
    }
}
