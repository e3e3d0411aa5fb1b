public import Basics

/// Where items come from. Only one call is under way at a time.
public protocol ItemSource<Context>: Sendable {
    associatedtype Context: Sendable

    /// The next batch of items, empty or not; nil at the end. An error ends the input: what was taken before completes.
    /// When its task is cancelled it must return soon, with whatever it has.
    func next() async throws(RetortError) -> [Item<Context>]?
}

/// Where outcomes go.
public protocol OutcomeSink<Context>: Sendable {
    associatedtype Context: Sendable

    /// Takes a batch. When it returns, the batch survives the death of the process; only then are its slots free and
    /// its items counted. Called on the generator's executor, never twice at once; it must not block for long.
    ///
    /// Throws `.noSpace` when the disk is full: the batch is kept here and offered again. Any other error ends the run.
    func accept(_ batch: [Outcome<Context>]) throws(RetortError) -> SinkPressure

    /// Notes what may have been spent beside what records say, in nanodollars: an upper bound that holds from when this
    /// returns until it is called again, whatever becomes of the process. Called only under a budget, before the
    /// requests go out that it covers.
    func note(unrecordedMax nanodollars: Int) throws(RetortError)

    /// Calls `wake` once there is room again after `.pressed`; at once if there is room already. From any thread.
    func relieved(_ wake: @escaping @Sendable () -> Void)
}

extension OutcomeSink {
    /// For sinks that keep no books.
    public func note(unrecordedMax nanodollars: Int) throws(RetortError) {}

    /// For sinks that are never pressed.
    public func relieved(_ wake: @escaping @Sendable () -> Void) { wake() }
}

/// Whether the sink keeps up.
public enum SinkPressure: Sendable, Hashable {
    case open
    /// The batch was taken, but nothing new should be dispatched until the sink is relieved.
    case pressed
}

/// The time the generator lives in.
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

/// Told of the run's progress on the generator's executor, once per batch of results and whenever the run starts or
/// ceases to wait for something. Must be quick.
public protocol ProgressObserver: Sendable {
    func progress(_ progress: Progress)
}
