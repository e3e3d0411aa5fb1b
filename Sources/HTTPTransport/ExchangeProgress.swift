internal import Basics

/// The progress of an exchange, for the timeouts.
struct ExchangeProgress {
    enum Overdue: Hashable {
        case firstByte
        case stalled
        case total
    }

    var started: Instant
    var lastByte: Instant?

    /// The timeout that has expired at `now`, if any.
    func overdue(_ now: Instant, _ timeouts: TransportTimeouts) -> Overdue? {
        if now - started >= timeouts.total { return .total }
        guard let lastByte else { return now - started >= timeouts.firstByte ? .firstByte : nil }
        return now - lastByte >= timeouts.stalled ? .stalled : nil
    }
}

extension TransportTimeouts {
    /// Time between two checks of the exchanges: a timeout is noticed at most an eighth of it, or a second, late.
    var sweepInterval: Interval {
        min(max(min(firstByte, stalled, total) * 0.125, .milliseconds(1)), .seconds(1))
    }
}
