import Basics
import Glibc

/// File descriptors that a file system keeps for its own files: a process whose sockets have used up the limit of open
/// files can still open them.
///
/// Together with the files that are open, so many descriptors are in use: opening a file takes one of those that are
/// kept, closing it keeps one again.
final class DescriptorReserve: Sendable {
    private struct State {
        /// Descriptors in use, those of open files included.
        var total = 0
        /// Open files.
        var open = 0
        var kept: [Int32] = []
    }

    private let state = Locked(State())

    /// Descriptors that are free for files.
    var kept: Int { state.withLock { $0.kept.count } }

    /// Keeps so many descriptors from now on. Throws what the system answers when there are not so many.
    func keep(_ total: Int) throws(RetortError) {
        let number: Int32? = state.withLock { state in
            state.total = total
            return Self.fill(&state)
        }
        if let number { throw RetortError.system(number, "open", "/") }
    }

    /// A file is about to be opened.
    func take() {
        state.withLock { state in
            state.open += 1
            if state.open + state.kept.count > state.total, let spare = state.kept.popLast() { close(spare) }
        }
    }

    /// Gives up one more descriptor, because another thread has taken the one that was free. False when none is kept.
    func takeAnother() -> Bool {
        state.withLock { state in
            guard let spare = state.kept.popLast() else { return false }
            close(spare)
            return true
        }
    }

    /// A file was closed, or could not be opened.
    func giveBack() {
        state.withLock { state in
            state.open -= 1
            _ = Self.fill(&state)
        }
    }

    /// Returns the error number when the system has no more.
    private static func fill(_ state: inout State) -> Int32? {
        while state.open + state.kept.count < state.total {
            // The root directory is there on every system.
            let spare = Glibc.open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if spare < 0 { return errno }
            state.kept.append(spare)
        }
        return nil
    }

    deinit { for spare in state.withLock({ $0.kept }) { close(spare) } }
}
