public import Basics
internal import Glibc
internal import Synchronization

/// One thread that waits for sockets and timers and runs the tasks that prefer it as their executor.
///
/// A turn: wait; handle everything that is ready; fire the timers that are due; run the jobs. So tasks see all results
/// that arrived together. Work on the loop must never block.
///
/// Start it with `start()` and stop it with `stop()` when no task prefers it any longer. Tasks do not retain it.
/// Methods marked "any thread" may be called from any thread, all others on the loop only.
public final class EventLoop: TaskExecutor, @unchecked Sendable {
    // Unchecked: everything below that is not atomic, locked or constant is touched by the loop's thread alone.

    /// Maximum jobs of one turn before sockets and timers are served again.
    static let turnJobsMax = 8192

    /// Work that other threads leave for the loop.
    struct Inbox {
        var jobs: [UnownedJob] = []
        var actions: [@Sendable () -> Void] = []
        var isStopping = false
        /// Whether the loop has run its last turn.
        var isClosed = false
        var isEmpty: Bool { jobs.isEmpty && actions.isEmpty }
    }

    /// What a timer does when it is due.
    enum Alarm {
        case action(() -> Void)
        case sleeper(UnsafeContinuation<Bool, Never>)
    }

    let inbox = Locked(Inbox())
    let counters = Counters()
    private let threadOfLoop = Atomic<UInt>(0)
    private let threadToJoin = Locked<pthread_t?>(nil)
    private let alarm: Int32

    var poller: Poller
    var timers = TimerHeap<Alarm>()
    var jobs: [UnownedJob] = []
    var actions: [@Sendable () -> Void] = []
    /// Actions to run after this turn's jobs.
    var deferred: [() -> Void] = []
    /// When the current turn woke up.
    public internal(set) var turnStart = Instant.now

    /// Throws `RetortError.io` if the system has no descriptors left.
    public init() throws(RetortError) {
        poller = try Poller.open()
        alarm = poller.alarm
    }

    /// Whether the caller runs on the loop's thread. Any thread.
    public var isCurrent: Bool { threadOfLoop.load(ordering: .relaxed) == pthread_self() }

    /// Traps in debug builds if it is not called on the loop. Any thread.
    public func assertOnLoop(_ file: StaticString = #file, _ line: UInt = #line) {
        assert(isCurrent, "not on the event loop", file: file, line: line)
    }

    /// The monotonic clock. Any thread.
    public var now: Instant { .now }

    // MARK: Life

    /// Runs the loop on its own thread, which retains the loop until `stop`. Any thread, once. Throws `RetortError.io`
    /// if the system refuses a thread.
    public func start() throws(RetortError) {
        var thread = pthread_t()
        let loop = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, nil,
            { context in
                let loop = Unmanaged<EventLoop>.fromOpaque(context!).takeRetainedValue()
                loop.run()
                return nil
            }, loop.toOpaque())
        guard status == 0 else {
            loop.release()
            throw .system(status, "pthread_create", "event loop")
        }
        threadToJoin.withLock { $0 = thread }
    }

    /// Runs the loop on the calling thread until `stop` is called.
    public func run() {
        let previous = threadOfLoop.exchange(pthread_self(), ordering: .relaxed)
        precondition(previous == 0, "the event loop is already running")
        while !inbox.withLock({ $0.isStopping }) { turn() }
        close()
        threadOfLoop.store(0, ordering: .relaxed)
    }

    /// Ends the loop after its current turn and, unless called on the loop itself, waits until its thread has ended.
    /// Sleeping tasks wake as if cancelled. Any thread; may be called repeatedly.
    public func stop() {
        inbox.withLock { $0.isStopping = true }
        wake()
        guard !isCurrent, let thread = threadToJoin.withLock({ $0.take() }) else { return }
        pthread_join(thread, nil)
    }

    /// Makes the loop take a turn. Any thread.
    public func wake() { Poller.ring(alarm) }

    // MARK: Work

    /// Runs `action` on the loop soon, never before this call returns if the caller is on the loop. Any thread. Once
    /// the loop has stopped, the caller runs it.
    public func execute(_ action: @escaping @Sendable () -> Void) {
        if isCurrent {
            actions.append(action)
            return
        }
        if !leave({ $0.actions.append(action) }) { action() }
    }

    /// Part of `TaskExecutor`. Any thread. Once the loop has stopped, jobs go to the global executor, so that no task
    /// hangs.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            jobs.append(job)
            return
        }
        if !leave({ $0.jobs.append(job) }) { globalConcurrentExecutor.enqueue(job) }
    }

    /// Leaves work for the loop, and wakes it if nothing else has. False once it has stopped.
    private func leave(_ put: (inout Inbox) -> Void) -> Bool {
        let (isFirst, isClosed) = inbox.withLock { inbox in
            let isFirst = inbox.isEmpty
            if !inbox.isClosed { put(&inbox) }
            return (isFirst, inbox.isClosed)
        }
        if isFirst, !isClosed { Poller.ring(alarm) }
        return !isClosed
    }
}
