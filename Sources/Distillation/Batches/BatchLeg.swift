package import Basics

/// A part of a run through batches that has an end of its own. Times are seconds since 1970.
package struct BatchLeg: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Until all rows have come back.
        case whole
        /// Until the provider has confirmed what is sent.
        case submit
        /// Until what is under way has come back: no further rows are taken.
        case collect
    }

    package var kind: Kind
    /// Rows that are sent at most.
    package var itemsMax: Int
    /// How long a batch is expected to take: none is begun that would not be back in time.
    package var expected: Interval
    /// What is not back then is cancelled.
    package var cutoff: Double
    /// What has not ended by then is left behind.
    package var giveUp: Double

    /// The same by another clock.
    package func times(at now: Instant, wall: Double) -> (cutoff: Instant, giveUp: Instant) {
        func instant(_ time: Double) -> Instant { now + .seconds(min(max(time - wall, 0), Self.secondsMax)) }
        return (instant(cutoff), instant(giveUp))
    }

    /// Further away than any deadline.
    private static let secondsMax = 4e9
}
