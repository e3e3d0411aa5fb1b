import Basics
import ResponseGenerator
import TestSupport

/// Virtual time and its executor, on the thread that calls `run`: one job after another, in an order determined by the
/// seed; when none is left, the clock jumps to the next sleeper.
///
/// A whole process with its task groups is thus a function of its seed, and takes no real time.
final class SimulatedTime: TaskExecutor, GeneratorClock {
    private struct State {
        var now = Instant(nanoseconds: 0)
        var jobs: [UnownedJob] = []
        var sleepers: [Sleeper] = []
        var sleepersSeen: UInt64 = 0
        var random: SeededGenerator
        /// One of this many choices takes a job other than the oldest; 0: none does.
        var shuffle: Int
    }

    private struct Sleeper {
        var due: Instant
        var number: UInt64
        var continuation: UnsafeContinuation<Void, Never>
    }

    private let state: Locked<State>

    /// The virtual time after which a process counts as endless.
    static let lifeMax = Interval.seconds(48 * 3600)

    init(seed: UInt64, shuffle: Int) {
        state = Locked(State(random: SeededGenerator(seed: seed), shuffle: shuffle))
    }

    var now: Instant { state.withLock { $0.now } }

    /// Seconds since 1970 for timestamps: the same number of digits at any time.
    var seconds: Int64 { 1_700_000_000 + now.nanoseconds / 1_000_000_000 }

    func sleep(until due: Instant) async {
        let number = state.withLock { state in
            state.sleepersSeen += 1
            return state.sleepersSeen
        }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if Task.isCancelled || due <= now { return continuation.resume() }
                state.withLock { $0.sleepers.append(Sleeper(due: due, number: number, continuation: continuation)) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                state.sleepers.firstIndex { $0.number == number }.map { state.sleepers.remove(at: $0) }
            }
            sleeper?.continuation.resume()
        }
    }

    func sleep(_ interval: Interval) async { await sleep(until: now + interval) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
    }

    /// Runs a task to its end; nil if it waits for something that never happens.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Value? {
        let result = Locked<Value?>(nil)
        let end = now + Self.lifeMax
        Task(executorPreference: self) {
            let value = await body()
            result.withLock { $0 = value }
        }
        while true {
            if let job = nextJob() {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if result.withLock({ $0 != nil }) || now > end || !wakeNext() {
                return result.withLock { $0 }
            }
        }
    }

    private func nextJob() -> UnownedJob? {
        state.withLock { state in
            guard !state.jobs.isEmpty else { return nil }
            guard state.shuffle > 0, state.jobs.count > 1, state.random.below(state.shuffle) == 0 else {
                return state.jobs.removeFirst()
            }
            return state.jobs.remove(at: state.random.below(state.jobs.count))
        }
    }

    /// Advances time to the next sleeper; false if there is none.
    private func wakeNext() -> Bool {
        let sleeper = state.withLock { state -> Sleeper? in
            guard
                let first = state.sleepers.indices.min(by: {
                    let (a, b) = (state.sleepers[$0], state.sleepers[$1])
                    return (a.due.nanoseconds, a.number) < (b.due.nanoseconds, b.number)
                })
            else { return nil }
            state.now = max(state.now, state.sleepers[first].due)
            return state.sleepers.remove(at: first)
        }
        sleeper?.continuation.resume()
        return sleeper != nil
    }
}
