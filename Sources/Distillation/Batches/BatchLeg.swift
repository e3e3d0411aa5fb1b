package import Basics

/// A part of a run through batches with its own end. Times are seconds since 1970.
package struct BatchLeg: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Until all rows have their results.
        case whole
        /// Until the provider has confirmed the submitted batches.
        case submit
        /// Until the batches in progress have their results; no further rows are taken.
        case collect
    }

    package var kind: Kind
    /// Maximum rows that are sent.
    package var itemsMax: Int
    /// Expected duration of a batch: none is created that would not be back in time.
    package var expected: Interval
    /// Batches not back by then are cancelled.
    package var cutoff: Double
    /// Batches that have not ended by then are left behind.
    package var giveUp: Double

    /// The times on another clock.
    package func times(at now: Instant, wall: Double) -> (cutoff: Instant, giveUp: Instant) {
        func instant(_ time: Double) -> Instant { now + .seconds(min(max(time - wall, 0), Self.secondsMax)) }
        return (instant(cutoff), instant(giveUp))
    }

    /// Later than any deadline.
    private static let secondsMax = 4e9
}
