internal import Basics

/// A bounded number of threads for blocking work whose result tasks can await.
final class Slots: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var first = 0
        var threads = 0
        var idle = 0
        var isOver = false

        mutating func next() -> (@Sendable () -> Void)? {
            guard first < waiting.count else { return nil }
            let work = waiting[first]
            first += 1
            if first == waiting.count || first > 1024 {
                waiting.removeFirst(first)
                first = 0
            }
            return work
        }
    }

    private let shared = Monitor(State())
    private let count: Int

    init(_ count: Int) { self.count = max(1, count) }

    deinit { shared.update { $0.isOver = true } }

    /// Runs `body` on one of the threads.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            let needsThread = shared.update { state in
                state.waiting.append { continuation.resume(returning: body()) }
                let waits = state.waiting.count - state.first
                guard state.idle < waits, state.threads < count else { return false }
                state.threads += 1
                return true
            }
            if needsThread { startThread() }
        }
    }

    private func startThread() {
        let shared = shared
        WorkThread.start {
            shared.update { $0.idle += 1 }
            while true {
                let work: (@Sendable () -> Void)?? = shared.wait { state in
                    if let work = state.next() {
                        state.idle -= 1
                        return .some(work)
                    }
                    return state.isOver ? .some(nil) : nil
                }
                guard case .some(.some(let run)) = work else { return }
                run()
                shared.update { $0.idle += 1 }
            }
        }
    }
}
