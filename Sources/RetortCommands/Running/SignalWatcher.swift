import Basics
import Glibc

/// Takes SIGINT and SIGTERM on a thread of its own, so that no code ever runs inside a signal handler.
///
/// `block` must come before any other thread is started: threads inherit the mask.
enum SignalWatcher {
    private static var watched: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        return signals
    }

    /// Keeps the signals pending until the watcher takes them.
    static func block() {
        var signals = watched
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Calls `action` with 1 for the first signal, 2 for the second, and so on.
    static func start(_ action: @escaping @Sendable (Int) -> Void) {
        block()
        WorkThread.start {
            var signals = watched
            var count = 0
            while true {
                var number: Int32 = 0
                guard sigwait(&signals, &number) == 0 else { continue }
                count += 1
                action(count)
            }
        }
    }
}
