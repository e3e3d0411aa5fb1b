internal import Basics

/// A bucket that fills at a steady rate; each request takes its cost out of it.
///
/// A cost above the capacity passes when the bucket is full and leaves a debt that the rate pays off.
struct TokenBucket: Sendable {
    private(set) var perSecond: Double
    private(set) var capacity: Double
    private var level: Double
    private var updated: Instant

    /// Seconds' worth of the rate that may pass at once: enough to absorb a late timer, too little for a burst.
    private static let burstSeconds = 0.1

    init(perSecond: Double, at now: Instant) {
        self.perSecond = perSecond
        capacity = max(1, perSecond * Self.burstSeconds)
        level = 1
        updated = now
    }

    private func level(at now: Instant) -> Double {
        min(capacity, level + max(0, (now - updated).seconds) * perSecond)
    }

    /// When `cost` may pass: `now` or earlier means at once.
    func ready(for cost: Double, at now: Instant) -> Instant {
        let missing = min(cost, capacity) - level(at: now)
        if missing <= Self.tolerance { return now }
        let nanoseconds = (missing / perSecond * 1e9).rounded(.up)
        return now + Interval(nanoseconds: Int64(min(nanoseconds, Self.waitNanosecondsMax)))
    }

    /// Thirty years: longer than any run, and far from overflow.
    private static let waitNanosecondsMax = 1e18

    /// Tolerance for rounding to nanoseconds.
    private static let tolerance = 1e-6

    /// Takes `cost`, which must be ready; a negative cost is returned.
    mutating func take(_ cost: Double, at now: Instant) {
        level = min(capacity, level(at: now) - cost)
        updated = max(updated, now)
    }

    /// Changes the rate from now on.
    mutating func setRate(perSecond rate: Double, at now: Instant) {
        take(0, at: now)
        perSecond = rate
        capacity = max(1, rate * Self.burstSeconds)
        level = min(level, capacity)
    }
}
