/// A JSON number as written, without rounding: `digits` x 10^`exponent`, without leading or trailing zeros in the
/// digits. Numbers beyond 64 bits and fractions, for example 0.1, compare exactly.
struct ExactNumber: Hashable, Sendable {
    let isNegative: Bool
    /// Decimal digits, 0 to 9, most significant first; empty for zero.
    let digits: [UInt8]
    /// The power of ten of the last digit; 0 for zero.
    let exponent: Int

    /// The maximum exponent that is read; a larger one compares as equal to it.
    static let exponentMax = 1 << 40

    /// - Parameter text: a valid JSON number.
    init(_ text: ArraySlice<UInt8>) {
        var rest = text
        let negative = rest.first == UInt8(ascii: "-")
        if negative { rest = rest.dropFirst() }
        var digits: [UInt8] = []
        digits.reserveCapacity(rest.count)
        var exponent = 0
        var isFraction = false
        while let byte = rest.first, byte != UInt8(ascii: "e"), byte != UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if byte == UInt8(ascii: ".") {
                isFraction = true
                continue
            }
            if isFraction { exponent -= 1 }
            if byte != UInt8(ascii: "0") || !digits.isEmpty { digits.append(byte - UInt8(ascii: "0")) }
        }
        exponent += Self.exponent(rest.dropFirst())
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        self.digits = digits
        self.exponent = digits.isEmpty ? 0 : exponent
        isNegative = negative && !digits.isEmpty
    }

    private static func exponent(_ text: ArraySlice<UInt8>) -> Int {
        var value = 0
        for byte in text where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") {
            value = min(value * 10 + Int(byte - UInt8(ascii: "0")), exponentMax)
        }
        return text.first == UInt8(ascii: "-") ? -value : value
    }

    var isZero: Bool { digits.isEmpty }

    /// Whether the value is a whole number in any notation, for example 1.0 and 1e2.
    var isInteger: Bool { exponent >= 0 }

    /// The value as a non-negative count; nil when it is negative or not a whole number. Values above `Int.max` give
    /// `Int.max`.
    var count: Int? {
        guard isInteger, !isNegative else { return nil }
        if isZero { return 0 }
        guard digits.count + exponent <= 18 else { return Int.max }
        return digits.reduce(0) { $0 * 10 + Int($1) } * Self.power(exponent)
    }

    private static func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { power, _ in power * 10 } }

    /// The power of ten just above the value: the larger magnitude has the larger scale.
    private var scale: Int { digits.count + exponent }

    private static func magnitude(_ a: ExactNumber, isBelow b: ExactNumber) -> Bool {
        if a.isZero || b.isZero { return a.isZero && !b.isZero }
        if a.scale != b.scale { return a.scale < b.scale }
        return a.digits.lexicographicallyPrecedes(b.digits)
    }

    /// Whether the value is a multiple of `divisor`, exactly. The divisor is positive and has maximum
    /// `divisorDigitsMax` digits.
    func isMultiple(of divisor: ExactNumber) -> Bool {
        if isZero { return true }
        let shift = exponent - divisor.exponent
        // Neither number ends in a zero: a value with fewer decimal places than the divisor is not its multiple.
        if shift < 0 { return false }
        let modulus = divisor.digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1) }
        var rest = digits.reduce(UInt128(0)) { ($0 * 10 + UInt128($1)) % UInt128(modulus) }
        rest = rest * Self.powerOfTen(shift, modulo: modulus) % UInt128(modulus)
        return rest == 0
    }

    /// Maximum digits of a divisor for `isMultiple`.
    static let divisorDigitsMax = 18

    private static func powerOfTen(_ exponent: Int, modulo modulus: UInt64) -> UInt128 {
        var (result, base, left) = (UInt128(1) % UInt128(modulus), UInt128(10) % UInt128(modulus), exponent)
        while left > 0 {
            if left & 1 == 1 { result = result * base % UInt128(modulus) }
            base = base * base % UInt128(modulus)
            left >>= 1
        }
        return result
    }
}

extension ExactNumber: Comparable {
    static func < (a: ExactNumber, b: ExactNumber) -> Bool {
        if a.isNegative != b.isNegative { return a.isNegative }
        return a.isNegative ? magnitude(b, isBelow: a) : magnitude(a, isBelow: b)
    }
}
