public import Basics

/// How long to wait before the next attempt: exponential with full jitter
/// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), from a seeded generator.
public struct Backoff: Sendable {
    /// The first wait is drawn from zero to this; every further attempt doubles it.
    public var base: Interval
    /// No wait is drawn above this.
    public var cap: Interval
    private var random: SplitMix64

    public init(base: Interval = .seconds(1), cap: Interval = .seconds(60), seed: UInt64) {
        self.base = base
        self.cap = cap
        random = SplitMix64(seed: seed)
    }

    /// Longest wish of a server that is granted.
    public static let hintMax = Interval.seconds(86_400)

    /// The wait after the `attempt`th failure, from 1.
    ///
    /// A server's wish wins over the draw; a tenth of it is drawn on top, so that those who were told the same do not
    /// come back as one. A wish for no wait at all is a draw like any other.
    public mutating func delay(attempt: Int, hint: Interval?) -> Interval {
        let share = Double(random.next() >> 11) * 0x1p-53
        if let hint, hint > .zero { return min(hint, Self.hintMax) * (1 + share / 10) }
        let doublings = min(max(attempt - 1, 0), 30)
        return min(cap, base * Double(1 << doublings)) * share
    }
}

/// Steele, Lea and Flood's SplitMix64: small, fast, the same on every machine.
struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
