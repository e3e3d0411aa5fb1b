package import Basics
import Dataset
package import SegmentStore

/// Accepts verdicts on a stage's answers: through the stage's own run while its store is open, else by opening the
/// store after the run has closed it. Any thread.
package final class VerdictDesk: Sendable {
    private enum State {
        /// The stage's run has not opened its store yet, or is closing it.
        case awaited
        case served(RecordStore, Recorder)
        /// The stage's run has ended.
        case free
        case opened(RecordStore)
    }

    private let root: String
    private let state = Monitor(State.awaited)

    package init(_ root: String) { self.root = root }

    /// The stage's run has its store open.
    package func serve(_ store: RecordStore, _ recorder: Recorder) { state.update { $0 = .served(store, recorder) } }

    /// Called before the store is closed. When it returns, nothing is written any more.
    package func pause() { state.update { $0 = .awaited } }

    /// The stage's run has ended, and its lock is released.
    package func release() { state.update { $0 = .free } }

    /// Appends verdicts. Blocks while the store is being closed.
    package func append(_ verdicts: [NewRecord]) throws(RetortError) {
        try with { (store, recorder) throws(RetortError) in
            if let recorder { try recorder.record(verdicts: verdicts) } else { _ = try store.append(verdicts) }
        }
    }

    /// Runs an action on the store.
    package func with(
        _ body: (RecordStore, Recorder?) throws(RetortError) -> Void
    ) throws(RetortError) {
        let done: Result<Void, RetortError> = state.wait { state in
            do throws(RetortError) {
                switch state {
                case .awaited: return nil
                case .served(let store, let recorder): try body(store, recorder)
                case .free:
                    let store = try RecordStore.open(root, options: StoreAccess.options)
                    state = .opened(store)
                    try body(store, nil)
                case .opened(let store): try body(store, nil)
                }
                return .success(())
            } catch { return .failure(error) }
        }
        try done.get()
    }

    /// No more verdicts come.
    package func close() throws(RetortError) {
        let opened = state.update { state -> RecordStore? in
            guard case .opened(let store) = state else { return nil }
            state = .free
            return store
        }
        try opened?.close()
    }
}
