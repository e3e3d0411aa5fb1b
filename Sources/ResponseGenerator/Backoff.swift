public import Basics

/// How long to wait before the next attempt: exponential with full jitter
/// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), from a seeded generator.
public struct Backoff: Sendable {
    /// Upper bound of the first delay; doubles with each further attempt.
    public var base: Interval
    /// Upper bound of all delays.
    public var cap: Interval
    private var random: SplitMix64

    public init(base: Interval = .seconds(1), cap: Interval = .seconds(60), seed: UInt64) {
        self.base = base
        self.cap = cap
        random = SplitMix64(seed: seed)
    }

    /// Maximum delay that a server may request.
    public static let hintMax = Interval.seconds(86_400)

    /// The delay after the `attempt`th failure, from 1.
    ///
    /// A delay requested by the server takes precedence; up to a tenth of it is added at random, so that clients with
    /// the same request do not return at once. A requested delay of zero is ignored.
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
