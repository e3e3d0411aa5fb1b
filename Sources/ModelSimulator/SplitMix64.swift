/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014). Each draw of the
/// simulator has its own generator, seeded with what the draw depends on, so the order of requests has no effect.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The purpose of a draw, which makes two draws for one request independent.
    enum Purpose: UInt64 {
        case fault = 1
        case latency
        case text
        case identifier
        case value
    }

    init(seed: UInt64, _ a: UInt64, _ b: UInt64, for purpose: Purpose) {
        state = Self.mix(Self.mix(Self.mix(seed &+ purpose.rawValue &* Self.increment) ^ a) &+ b &* Self.increment)
    }

    mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mix(state)
    }

    /// Uniform in [0, 1).
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in 0..<count, with a bias below 2^-32 for the small counts used here.
    mutating func below(_ count: Int) -> Int { Int(((next() >> 32) &* UInt64(count)) >> 32) }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
