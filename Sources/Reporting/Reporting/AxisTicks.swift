import Glibc

/// Round numbers for axes.
package enum AxisTicks {
    /// The smallest of 1, 2, 5, 10, 20, 50, … (and of 0.5, 0.2, 0.1, …) that is at least `step`.
    package static func niceStep(_ step: Double) -> Double {
        guard step > 0, step.isFinite else { return 1 }
        let magnitude = power(logarithm(step).rounded(.down))
        let nice = [1.0, 2, 5, 10].first { $0 * magnitude >= step * (1 - 1e-9) } ?? 10
        return nice * magnitude
    }

    /// Ticks from 0 to at least `top`, about `count` of them.
    package static func fromZero(to top: Double, count: Int) -> [Double] {
        guard top > 0, top.isFinite else { return [0, 1] }
        let step = niceStep(top / Double(count))
        let steps = Int((top / step * (1 - 1e-9)).rounded(.up))
        return (0...max(1, steps)).map { Double($0) * step }
    }

    /// Round numbers within a range, about `count` of them.
    package static func linear(_ range: Range<Double>, count: Int) -> [Double] {
        let step = niceStep((range.upperBound - range.lowerBound) / Double(count))
        let first = Int((range.lowerBound / step).rounded(.up))
        let last = Int((range.upperBound / step).rounded(.down))
        return first <= last ? (first...last).map { Double($0) * step } : []
    }

    /// 1, 2, 5 times powers of ten within a range; only powers of ten if it spans many.
    package static func logarithmic(_ range: Range<Double>) -> [Double] {
        let lower = Int(logarithm(max(range.lowerBound, 1)).rounded(.down))
        let upper = Int(logarithm(max(range.upperBound, 1)).rounded(.up))
        let factors = upper - lower > 4 ? [1.0] : [1.0, 2, 5]
        return (lower...upper).flatMap { exponent in factors.map { $0 * power(Double(exponent)) } }
            .filter { $0 >= range.lowerBound && $0 <= range.upperBound }
    }

    /// Moments at round UTC times at least `spacing` seconds apart, within a range of seconds since 1970.
    package static func times(_ range: Range<Int64>, step: Int64) -> [Int64] {
        let first = (range.lowerBound + step - 1) / step * step
        return Array(stride(from: first, to: range.upperBound, by: Int(step)))
    }

    /// The smallest round duration that is at least `seconds`.
    package static func timeStep(_ seconds: Double) -> Int64 {
        let steps: [Int64] = [
            1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
        ]
        return steps.first { Double($0) >= seconds } ?? Int64((seconds / 86_400).rounded(.up)) * 86_400
    }
}

/// log10
package func logarithm(_ value: Double) -> Double { log10(value) }

/// 10 to the power of `exponent`, exact for small whole exponents.
package func power(_ exponent: Double) -> Double { pow(10, exponent) }
