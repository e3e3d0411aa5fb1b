public import Basics
internal import Synchronization

extension EventLoop {
    /// The loop's state since it started.
    public struct Health: Sendable, Hashable {
        public var turns: UInt64
        /// Jobs of tasks that were run.
        public var jobs: UInt64
        /// Timers that fired.
        public var timers: UInt64
        /// Maximum delay of a timer.
        public var lagMax: Interval
        /// Maximum time that one turn kept sockets and timers waiting.
        public var turnMax: Interval
    }

    /// A snapshot. Any thread; the numbers may be of neighbouring turns.
    public var health: Health {
        Health(
            turns: counters.turns.load(ordering: .relaxed),
            jobs: counters.jobs.load(ordering: .relaxed),
            timers: counters.timers.load(ordering: .relaxed),
            lagMax: Interval(nanoseconds: counters.lagMax.load(ordering: .relaxed)),
            turnMax: Interval(nanoseconds: counters.turnMax.load(ordering: .relaxed)))
    }

    /// Written only by the loop, so a load and a store suffice for an addition.
    final class Counters: Sendable {
        let turns = Atomic<UInt64>(0)
        let jobs = Atomic<UInt64>(0)
        let timers = Atomic<UInt64>(0)
        let lagMax = Atomic<Int64>(0)
        let turnMax = Atomic<Int64>(0)

        func turnEnded(jobs count: Int, took: Interval) {
            turns.store(turns.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            jobs.store(jobs.load(ordering: .relaxed) &+ UInt64(count), ordering: .relaxed)
            if took.nanoseconds > turnMax.load(ordering: .relaxed) {
                turnMax.store(took.nanoseconds, ordering: .relaxed)
            }
        }

        func timerFired(late: Interval) {
            timers.store(timers.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            if late.nanoseconds > lagMax.load(ordering: .relaxed) {
                lagMax.store(late.nanoseconds, ordering: .relaxed)
            }
        }
    }
}
