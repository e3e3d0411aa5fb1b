internal import Basics

/// How far an exchange has come, for the timeouts.
struct ExchangeProgress {
    enum Overdue: Hashable {
        case firstByte
        case stalled
        case total
    }

    var started: Instant
    var lastByte: Instant?

    /// What has taken too long at `now`, if anything.
    func overdue(_ now: Instant, _ timeouts: TransportTimeouts) -> Overdue? {
        if now - started >= timeouts.total { return .total }
        guard let lastByte else { return now - started >= timeouts.firstByte ? .firstByte : nil }
        return now - lastByte >= timeouts.stalled ? .stalled : nil
    }
}

extension TransportTimeouts {
    /// Time between two looks at the exchanges: timeouts are noticed at most an eighth, or a second, late.
    var sweepInterval: Interval {
        min(max(min(firstByte, stalled, total) * 0.125, .milliseconds(1)), .seconds(1))
    }
}
