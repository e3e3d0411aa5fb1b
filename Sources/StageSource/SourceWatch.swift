internal import Basics
internal import Glibc

/// Signals between a store being written and its readers. Any thread.
public final class SourceWatch: Sendable {
    private struct State {
        var isEnded = false
        var isCancelled = false
    }

    private let state = Monitor(State())

    public init() {}

    /// The store gets no more records: readers read what is there and stop waiting.
    public func end() { state.update { $0.isEnded = true } }

    /// No more rows are wanted: a waiting reader returns at once.
    public func cancel() { state.update { $0.isCancelled = true } }

    var isEnded: Bool { state.update { $0.isEnded } }
    public var isCancelled: Bool { state.update { $0.isCancelled } }

    /// Waits for a time, or until the watch is ended or cancelled.
    ///
    /// - Parameter other: also ends the wait when it is cancelled.
    func wait(_ interval: Interval, orCancelled other: SourceWatch? = nil) {
        let deadline = Instant.now + interval
        while !state.update({ $0.isEnded || $0.isCancelled }), other?.isCancelled != true {
            let left = deadline - Instant.now
            guard left > .zero else { return }
            usleep(UInt32(min(left.seconds, Self.stepSeconds) * 1e6))
        }
    }

    private static let stepSeconds = 0.02
}
