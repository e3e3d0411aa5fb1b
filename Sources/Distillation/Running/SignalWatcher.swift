import Basics
import CProcess
import Glibc

/// Receives SIGINT and SIGTERM on a thread of its own, so that no code runs inside a signal handler.
///
/// A command that handles them sets an action; until then, and in all other commands, they end the process as usual.
package enum SignalWatcher {
    /// Called with 1 for the first signal, 2 for the second, and so on.
    package typealias Action = @Sendable (Int) -> Void

    private static let action = Locked<Action?>(nil)

    private static var watched: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        return signals
    }

    /// Call it first in `main`, on the main thread: every thread started later inherits the signal mask.
    package static func start() {
        var signals = watched
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        WorkThread.start {
            var signals = watched
            var count = 0
            while true {
                var number: Int32 = 0
                guard sigwait(&signals, &number) == 0 else { continue }
                count += 1
                if let action = action.withLock({ $0 }) { action(count) } else { die(of: number) }
            }
        }
    }

    package static func onSignal(_ newAction: @escaping Action) { action.withLock { $0 = newAction } }

    /// Ends the process by the signal itself, so that a shell sees the cause.
    private static func die(of number: Int32) {
        signal(number, SIG_DFL)
        var signals = watched
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        kill(getpid(), number)
    }
}
