import Basics
import Glibc

/// File descriptors kept in reserve for a file system's own files: a process whose sockets have used up the limit of
/// open files can still open them.
///
/// The number of descriptors in use, including open files, is constant: opening a file takes one from the reserve,
/// closing it puts one back.
final class DescriptorReserve: Sendable {
    private struct State {
        /// Descriptors in use, those of open files included.
        var total = 0
        /// Open files.
        var open = 0
        var kept: [Int32] = []
    }

    private let state = Locked(State())

    /// Descriptors that are available for files.
    var kept: Int { state.withLock { $0.kept.count } }

    /// Keeps this many descriptors from now on. Throws the system's error if there are not enough.
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

    /// Releases one more descriptor, because another thread took the free one. False if none is left.
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
            // The root directory exists on every system.
            let spare = Glibc.open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if spare < 0 { return errno }
            state.kept.append(spare)
        }
        return nil
    }

    deinit { for spare in state.withLock({ $0.kept }) { close(spare) } }
}
