internal import Basics
internal import Glibc

/// What a reader of a store that is being written waits for. Any thread.
public final class SourceWatch: Sendable {
    private struct State {
        var isEnded = false
        var isCancelled = false
    }

    private let state = Monitor(State())

    public init() {}

    /// The store gets no more records: what is in it now is read, and no more is waited for.
    public func end() { state.update { $0.isEnded = true } }

    /// No more rows are wanted: a reader that waits returns at once.
    public func cancel() { state.update { $0.isCancelled = true } }

    var isEnded: Bool { state.update { $0.isEnded } }
    public var isCancelled: Bool { state.update { $0.isCancelled } }

    /// Waits for a time, or until one of both is known.
    ///
    /// - Parameter other: ends the waiting as well where it is cancelled.
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
