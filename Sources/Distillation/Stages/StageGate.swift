import Basics
package import ModelAPI

/// The requests that several stages have in flight at one server: so many at most. Of stages that wait the later one goes
/// first, which ends the items that are furthest. Any thread.
package final class StageGate: Sendable {
    private struct Waiter {
        var number: UInt64
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var free: Int
        var next: UInt64 = 0
        /// By stage, in the order of coming.
        var waiting: [[Waiter]]
        /// Waiters whose tasks were cancelled before they waited.
        var cancelled: Set<UInt64> = []
    }

    private let state: Locked<State>

    package init(limit: Int, stages: Int) {
        state = Locked(State(free: limit, waiting: Array(repeating: [], count: stages)))
    }

    /// Waits for room. False where the task was cancelled first.
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

    /// Gives the room to the next one.
    package func leave() {
        let waiter = state.withLock { state -> Waiter? in
            guard let stage = state.waiting.lastIndex(where: { !$0.isEmpty }) else {
                state.free += 1
                return nil
            }
            return state.waiting[stage].removeFirst()
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
