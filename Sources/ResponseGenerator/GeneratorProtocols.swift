public import Basics

/// Supplies items. Called by one task at a time.
public protocol ItemSource<Context>: Sendable {
    associatedtype Context: Sendable

    /// The next batch of items, possibly empty; nil at the end. An error ends the input; earlier items are completed.
    /// When its task is cancelled, it must return soon.
    func next() async throws(RetortError) -> [Item<Context>]?
}

/// Receives outcomes.
public protocol OutcomeSink<Context>: Sendable {
    associatedtype Context: Sendable

    /// Takes a batch. When it returns, the batch survives the death of the process; only then are its slots released
    /// and its items counted. Called on the generator's executor, never concurrently; must not block for long.
    ///
    /// Throws `.noSpace` if the disk is full: the generator keeps the batch and offers it again. Any other error ends
    /// the run.
    func accept(_ batch: [Outcome<Context>]) throws(RetortError) -> SinkPressure

    /// Notes the maximum that may have been spent in addition to what records state, in nanodollars: an upper bound
    /// that holds from the return of this call to the next one, whatever happens to the process. Called only with a
    /// budget, before the requests that it covers are sent.
    func note(unrecordedMax nanodollars: Int) throws(RetortError)

    /// Calls `wake` once there is room again after `.pressed`; at once if there is room already. `wake` may be called
    /// from any thread.
    func relieved(_ wake: @escaping @Sendable () -> Void)
}

extension OutcomeSink {
    /// The default for sinks without books.
    public func note(unrecordedMax nanodollars: Int) throws(RetortError) {}

    /// The default for sinks that are never pressed.
    public func relieved(_ wake: @escaping @Sendable () -> Void) { wake() }
}

/// Whether the sink keeps up.
public enum SinkPressure: Sendable, Hashable {
    case open
    /// The batch was taken, but no new request should be sent until the sink is relieved.
    case pressed
}

/// The clock of a generator.
public protocol GeneratorClock: Sendable {
    var now: Instant { get }
    /// Returns at `due`, or soon after its task is cancelled.
    func sleep(until due: Instant) async
}

/// The machine's monotonic clock.
public struct SystemClock: GeneratorClock {
    public init() {}

    public var now: Instant { .now }

    public func sleep(until due: Instant) async {
        let left = (due - now).nanoseconds
        if left > 0 { try? await Task.sleep(nanoseconds: UInt64(left)) }
    }
}

/// Receives the run's progress on the generator's executor, once per batch of results and whenever the run starts or
/// stops waiting. Must be quick.
public protocol ProgressObserver: Sendable {
    func progress(_ progress: Progress)
}
