import Basics
import ResponseGenerator
import TestSupport

/// Virtual time and the executor that lives in it, on the thread that calls `run`: one job after the other, in an order that
/// follows from the seed, and when none is left the clock jumps to the next sleeper.
///
/// So a whole process, task groups and all, is a function of its seed, and takes no real time.
final class SimulatedTime: TaskExecutor, GeneratorClock {
    private struct State {
        var now = Instant(nanoseconds: 0)
        var jobs: [UnownedJob] = []
        var sleepers: [Sleeper] = []
        var sleepersSeen: UInt64 = 0
        var random: SeededGenerator
        /// Of how many choices one takes another job than the oldest; 0: none does.
        var shuffle: Int
    }

    private struct Sleeper {
        var due: Instant
        var number: UInt64
        var continuation: UnsafeContinuation<Void, Never>
    }

    private let state: Locked<State>

    /// Virtual time from which on a process is taken for one that does not end.
    static let lifeMax = Interval.seconds(48 * 3600)

    init(seed: UInt64, shuffle: Int) {
        state = Locked(State(random: SeededGenerator(seed: seed), shuffle: shuffle))
    }

    var now: Instant { state.withLock { $0.now } }

    /// Seconds since 1970 for labels: as many digits whatever the time.
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

    /// Runs a task to its end; nil where it waits for what never comes, or for ever.
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

    /// Lets time pass until the next sleeper is due; false where none sleeps.
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
