/// An estimate of the sum of a quantity over future items.
package struct SumEstimate: Sendable, Hashable {
    package var mean: Double
    /// Bounds of the 95% prediction interval; nil if nothing was measured and the mean is a rule of thumb.
    package var interval: ClosedRange<Double>?

    /// The normal distribution's 97.5% quantile.
    package static let quantile = 1.959964

    package init(mean: Double, interval: ClosedRange<Double>? = nil) {
        self.mean = mean
        self.interval = interval
    }

    /// `items` new items with a mean and a standard deviation measured over `measured` others. Two errors add up: the
    /// new items scatter around the mean, and the mean itself is uncertain: z·s·√(N + N²/n).
    package init(items: Int, itemMean: Double, deviation: Double, measured: Int) {
        mean = itemMean * Double(items)
        guard measured > 1 else { return }
        let count = Double(items)
        let margin = Self.quantile * deviation * (count + count * count / Double(measured)).squareRoot()
        interval = max(0, mean - margin)...(mean + margin)
    }

    package func scaled(by factor: Double) -> SumEstimate {
        SumEstimate(mean: mean * factor, interval: interval.map { $0.lowerBound * factor...$0.upperBound * factor })
    }

    package static func + (a: SumEstimate, b: SumEstimate) -> SumEstimate {
        guard let first = a.interval, let second = b.interval else { return SumEstimate(mean: a.mean + b.mean) }
        return SumEstimate(
            mean: a.mean + b.mean,
            interval: first.lowerBound + second.lowerBound...first.upperBound + second.upperBound)
    }
}
