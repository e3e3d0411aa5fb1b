import Basics
package import ModelAPI

/// Limits the requests that several stages have in flight at one server. Of the waiting stages the latest in the
/// pipeline goes first, which completes the items that are furthest. Any thread.
package final class StageGate: Sendable {
    private struct Waiter {
        var number: UInt64
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        /// Negative after the window was reduced below the number in flight.
        var free: Int
        /// Maximum requests in flight per stage; the largest value is the window.
        var concurrency: [Int: Int]
        var next: UInt64 = 0
        /// By stage, in order of arrival.
        var waiting: [[Waiter]]
        /// Waiters whose tasks were cancelled before they waited.
        var cancelled: Set<UInt64> = []

        mutating func takeNext() -> Waiter? {
            guard let stage = waiting.lastIndex(where: { !$0.isEmpty }) else { return nil }
            return waiting[stage].removeFirst()
        }
    }

    private let state: Locked<State>

    /// - Parameters:
    ///   - concurrency: by stage number.
    ///   - stages: number of stages in the pipeline, whether they use this server or not.
    package init(_ concurrency: [Int: Int], stages: Int) {
        let limit = concurrency.values.max() ?? 1
        state = Locked(State(free: limit, concurrency: concurrency, waiting: Array(repeating: [], count: stages)))
    }

    /// Changes a stage's maximum requests in flight.
    package func set(_ concurrency: Int, stage: Int) {
        let woken = state.withLock { state -> [Waiter] in
            let before = state.concurrency.values.max() ?? 1
            state.concurrency[stage] = concurrency
            state.free += (state.concurrency.values.max() ?? 1) - before
            var woken: [Waiter] = []
            while state.free > 0, let next = state.takeNext() {
                state.free -= 1
                woken.append(next)
            }
            return woken
        }
        for waiter in woken { waiter.continuation.resume(returning: true) }
    }

    /// Waits for a free place. False if the task was cancelled first.
    package func enter(stage: Int) async -> Bool {
        let number = state.withLock { state -> UInt64? in
            if state.free > 0 {
                state.free -= 1
                return nil
            }
            state.next += 1
            return state.next
        }
        guard let number else { return true }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    if state.cancelled.remove(number) != nil { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.waiting[stage].append(Waiter(number: number, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                if let place = state.waiting[stage].firstIndex(where: { $0.number == number }) {
                    return state.waiting[stage].remove(at: place)
                }
                state.cancelled.insert(number)
                return nil
            }
            waiter?.continuation.resume(returning: false)
        }
    }

    /// Passes the place to the next waiting request.
    package func leave() {
        let waiter = state.withLock { state -> Waiter? in
            guard state.free >= 0, let next = state.takeNext() else {
                state.free += 1
                return nil
            }
            return next
        }
        waiter?.continuation.resume(returning: true)
    }
}

/// Sends through a gate.
package struct GatedTransport: ModelTransport {
    package let base: any ModelTransport
    package let gate: StageGate
    package let stage: Int

    package func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        guard await gate.enter(stage: stage) else {
            return .failure(TransportFailure(.cancelled, "stopped before it was sent", stage: .unconnected))
        }
        defer { gate.leave() }
        return await base.send(request)
    }
}
