public import Basics

extension EventLoop {
    /// Names a timer that was scheduled.
    public struct TimerID: Sendable, Hashable {
        var number: UInt64
    }

    /// Runs `action` on the loop at `deadline`, or in the next turn if that has passed.
    @discardableResult
    public func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
        assertOnLoop()
        let id = timers.reserve()
        timers.insert(.action(action), at: deadline, id: id)
        return TimerID(number: id)
    }

    /// Cancels a timer; no effect if it has fired.
    public func cancel(_ timer: TimerID) {
        assertOnLoop()
        _ = timers.remove(id: timer.number)
    }

    /// Suspends the task until `deadline`. Throws when the task is cancelled or the loop stops. Any thread.
    public func sleep(until deadline: Instant) async throws(CancellationError) {
        let isDue =
            if isCurrent { await sleepOnLoop(until: deadline) } else {
                await withTaskExecutorPreference(self) { await self.sleepFromElsewhere(until: deadline) }
            }
        if !isDue { throw CancellationError() }
    }

    @concurrent
    private func sleepFromElsewhere(until deadline: Instant) async -> Bool {
        await sleepOnLoop(until: deadline)
    }

    /// False if the task was cancelled first.
    private func sleepOnLoop(until deadline: Instant) async -> Bool {
        guard isCurrent, !Task.isCancelled else { return false }
        let id = timers.reserve()
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                timers.insert(.sleeper(continuation), at: deadline, id: id)
            }
        } onCancel: {
            execute { self.wakeCancelled(id) }
        }
    }

    private func wakeCancelled(_ id: UInt64) {
        guard isCurrent, case .sleeper(let continuation) = timers.remove(id: id) else { return }
        continuation.resume(returning: false)
    }
}
