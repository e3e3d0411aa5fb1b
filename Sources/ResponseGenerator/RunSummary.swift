public import Basics

/// How to end a run before its input is exhausted. Any thread; a later call can only hurry it.
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
        /// It was stopped on request.
        case stopped
        /// `error` says why.
        case failed
    }

    public var ending: Ending
    /// The API's refusal, or the source's or the sink's error. After an error of the source the rest is completed.
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
