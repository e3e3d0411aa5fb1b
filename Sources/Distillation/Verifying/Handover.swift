package import Basics

/// A bounded queue of batches from a thread to a task: the thread waits while it is full, the task while it is empty.
package final class Handover<Element: Sendable>: Sendable {
    private struct State {
        var batches: [[Element]] = []
        var ending: Result<Void, RetortError>?
        var isCancelled = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let shared = Monitor(State())
    private let batchesMax: Int

    package init(batchesMax: Int = 2) { self.batchesMax = batchesMax }

    /// Adds a batch. Blocks. False when the consumer has cancelled.
    package func put(_ batch: [Element]) -> Bool {
        let isWanted: Bool = shared.wait { state in
            state.isCancelled ? false : state.batches.count < self.batchesMax ? true : nil
        }
        guard isWanted else { return false }
        wake { $0.batches.append(batch) }
        return true
    }

    /// The producer's end: everything has been handed over, or reading has failed.
    package func finish(_ ending: Result<Void, RetortError>) { wake { $0.ending = ending } }

    /// The consumer's end: queued batches are dropped.
    package func cancel() {
        wake { state in
            state.isCancelled = true
            state.batches = []
        }
    }

    /// The next batch; nil at the end. Throws the producer's error.
    package func next() async throws(RetortError) -> [Element]? {
        while true {
            let taken: Result<[Element]?, RetortError>? = shared.update { state in
                if !state.batches.isEmpty { return .success(state.batches.removeFirst()) }
                if state.isCancelled { return .success(nil) }
                return state.ending.map { ending in ending.map { nil } }
            }
            if let taken { return try taken.get() }
            await withCheckedContinuation { continuation in
                let isThere = shared.update { state in
                    if !state.batches.isEmpty || state.isCancelled || state.ending != nil { return true }
                    state.waiter = continuation
                    return false
                }
                if isThere { continuation.resume() }
            }
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = shared.update { state in
            change(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
