public import Basics
internal import Dispatch

/// Virtual time and its executor: when no job is left to run, the clock jumps to the next sleeper.
///
/// Tasks that prefer this executor, and sleep only here, run one at a time in a fixed order and in no real time.
public final class ManualClock: TaskExecutor {
    private struct State {
        var now = Instant(nanoseconds: 0)
        var jobs: [UnownedJob] = []
        var sleepers: [Sleeper] = []
        var sleepersSeen: UInt64 = 0
        var isDraining = false
    }

    private struct Sleeper {
        var due: Instant
        var number: UInt64
        var continuation: UnsafeContinuation<Void, Never>
    }

    private let state = Locked(State())
    private let queue = DispatchQueue(label: "ManualClock")

    public init() {}

    public var now: Instant { state.withLock { $0.now } }

    /// Returns at `due`, or at once when its task is cancelled.
    public func sleep(until due: Instant) async {
        let number = state.withLock { state in
            state.sleepersSeen += 1
            return state.sleepersSeen
        }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let isPast = Task.isCancelled || due <= now
                if isPast { return continuation.resume() }
                state.withLock {
                    $0.sleepers.append(Sleeper(due: due, number: number, continuation: continuation))
                }
                // The cancellation may have come before the sleeper could be found.
                if Task.isCancelled { wake(number) }
            }
        } onCancel: {
            wake(number)
        }
    }

    public func sleep(_ interval: Interval) async { await sleep(until: now + interval) }

    private func wake(_ number: UInt64) {
        let sleeper = state.withLock { state in
            state.sleepers.firstIndex { $0.number == number }.map { state.sleepers.remove(at: $0) }
        }
        sleeper?.continuation.resume()
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let starts = state.withLock { state in
            state.jobs.append(job)
            defer { state.isDraining = true }
            return !state.isDraining
        }
        if starts { queue.async { self.drain() } }
    }

    private enum Step {
        case run([UnownedJob])
        case wake([Sleeper])
        case rest
    }

    private func drain() {
        while true {
            switch nextStep() {
            case .run(let jobs):
                for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
            case .wake(let sleepers): for sleeper in sleepers { sleeper.continuation.resume() }
            case .rest: return
            }
        }
    }

    private func nextStep() -> Step {
        state.withLock { state in
            if !state.jobs.isEmpty {
                defer { state.jobs.removeAll(keepingCapacity: true) }
                return .run(state.jobs)
            }
            guard let due = state.sleepers.map(\.due).min() else {
                state.isDraining = false
                return .rest
            }
            state.now = max(state.now, due)
            let isDue = state.sleepers.partition { $0.due == due }
            defer { state.sleepers.removeSubrange(isDue...) }
            return .wake(state.sleepers[isDue...].sorted { $0.number < $1.number })
        }
    }
}
