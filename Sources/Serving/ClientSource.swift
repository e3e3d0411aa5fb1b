package import Basics
package import Dataset
import ModelAPI
package import ResponseGenerator

/// The generator's source in `retort serve`: clients' requests as they arrive. It never ends; a signal stops the
/// generator.
///
/// Several generators may read from it, one after another. `offer` may be called from any thread.
package final class ClientSource: ItemSource {
    private struct State {
        var items: [Item<ItemContext>] = []
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// Maximum items handed over at once.
    private static let batchItemsMax = 256

    private let state = Locked(State())

    package func offer(_ item: Item<ItemContext>) {
        state.withLock { state in
            state.items.append(item)
            defer { state.waiter = nil }
            return state.waiter
        }?.resume()
    }

    /// Removes the items that no generator has taken.
    package func clear() { state.withLock { $0.items = [] } }

    package func next() async throws(RetortError) -> [Item<ItemContext>]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if !state.items.isEmpty || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }?.resume()
        }
        return state.withLock { state in
            if state.items.count <= Self.batchItemsMax {
                defer { state.items = [] }
                return state.items
            }
            let batch = Array(state.items.prefix(Self.batchItemsMax))
            state.items.removeFirst(batch.count)
            return batch
        }
    }
}
