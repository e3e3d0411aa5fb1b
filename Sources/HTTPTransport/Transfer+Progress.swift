internal import Basics

extension Transfer {
    /// How far an exchange has come, for the timeouts that curl does not have or has with another meaning: its low
    /// speed limit also counts while the model thinks, and costs a timer a second for each transfer.
    struct Progress {
        enum Overdue: Hashable {
            case firstByte
            case stalled
            case total
        }

        var started: Instant
        var lastByte: Instant?

        /// What has taken too long at `now`, if anything.
        func overdue(_ now: Instant, _ timeouts: HTTPTransport.Timeouts) -> Overdue? {
            if now - started >= timeouts.total { return .total }
            guard let lastByte else { return now - started >= timeouts.firstByte ? .firstByte : nil }
            return now - lastByte >= timeouts.stalled ? .stalled : nil
        }
    }
}

extension HTTPTransport.Timeouts {
    /// Time between two looks at the transfers: timeouts are noticed at most an eighth, or a second, late.
    var sweepInterval: Interval {
        min(max(min(firstByte, stalled, total) * 0.125, .milliseconds(1)), .seconds(1))
    }
}
