import Foundation
import Glibc
import Synchronization

/// Ends the process and names the case when a fuzzer's case does not end: a hang would report nothing.
public final class FuzzWatch: Sendable {
    /// Far longer than any case takes on a busy machine.
    public static let secondsMax = 120.0
    public static let megabytesMax = 500

    private struct Case {
        var name = ""
        var begun = Date()
        var isOver = false
    }

    private let current = Mutex(Case())

    public init() {
        Thread.detachNewThread { [self] in
            while true {
                Thread.sleep(forTimeInterval: 1)
                let now = current.withLock { $0 }
                if now.isOver { return }
                if !now.name.isEmpty, Date().timeIntervalSince(now.begun) > Self.secondsMax {
                    fatalError("no end after \(Self.secondsMax) s: \(now.name)")
                }
            }
        }
    }

    /// A case begins, and the previous one has ended.
    public func begin(_ name: String) {
        current.withLock { $0 = Case(name: name) }
    }

    public func end() { current.withLock { $0.isOver = true } }

    /// The peak memory of the process.
    public static var residentMegabytesMax: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }
}
