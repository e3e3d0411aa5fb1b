internal import Basics
internal import ModelAPI
internal import Synchronization

/// Messages from other threads to the run loop, and the means to wake it.
final class Mailbox: Sendable {
    private struct State {
        var waiter: UnsafeContinuation<Void, Never>?
        var isRung = false
        var stop: Stop?
        var isRelieved = false
        var changes: [Steering] = []
        var again: [Again] = []
    }

    /// A failed item that is sent again.
    struct Again: Sendable {
        var ticket: Ticket
        var failureClass: FailureClass
    }

    struct Letters {
        var stop: Stop?
        var isRelieved = false
        var changes: [Steering] = []
        var again: [Again] = []
    }

    private let state = Locked(State())
    /// Lets the loop skip the lock if there are no messages.
    private let hasLetters = Atomic(false)

    func post(_ stop: Stop) {
        ring { $0.stop = $0.stop == .now ? .now : stop }
    }

    func post(_ change: Steering) {
        ring { $0.changes.append(change) }
    }

    func post(_ again: [Again]) {
        ring { $0.again += again }
    }

    func postRelief() {
        ring { $0.isRelieved = true }
    }

    private func ring(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            hasLetters.store(true, ordering: .releasing)
            return Self.takeWaiter(&state)
        }
        waiter?.resume()
    }

    /// Ends the current wait, or the next one.
    func wake() {
        state.withLock { Self.takeWaiter(&$0) }?.resume()
    }

    private static func takeWaiter(_ state: inout State) -> UnsafeContinuation<Void, Never>? {
        if state.waiter == nil { state.isRung = true }
        defer { state.waiter = nil }
        return state.waiter
    }

    func takeLetters() -> Letters? {
        guard hasLetters.load(ordering: .acquiring) else { return nil }
        return state.withLock { state in
            hasLetters.store(false, ordering: .relaxed)
            defer {
                state.stop = nil
                state.isRelieved = false
                state.changes = []
                state.again = []
            }
            return Letters(
                stop: state.stop, isRelieved: state.isRelieved, changes: state.changes, again: state.again)
        }
    }

    /// Waits to be woken; returns at once if its task is cancelled. One wait at a time.
    func wait() async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let isRung = state.withLock { state in
                    defer { state.isRung = false }
                    if !state.isRung { state.waiter = continuation }
                    return state.isRung
                }
                if isRung { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
    }

    /// Waits to be woken or until the time.
    func wait(until due: Instant?, _ clock: any GeneratorClock) async {
        guard let due else { return await wait() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await clock.sleep(until: due) }
            group.addTask { await self.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
