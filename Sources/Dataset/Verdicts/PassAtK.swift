import Basics

/// The number of samples of one item, and how many passed.
package struct SampleCount: Sendable, Hashable {
    package var samples = 0
    package var passed = 0

    /// The probability that at least one of `k` samples, drawn without replacement, passes: 1 - C(n-c,k)/C(n,k), the
    /// unbiased estimator of Chen et al. 2021 (https://arxiv.org/abs/2107.03374). Nil if there are fewer samples.
    package func passAt(_ k: Int) -> Double? {
        guard k > 0, samples >= k else { return nil }
        let failed = samples - passed
        guard failed >= k else { return 1 }
        var noneOf = 1.0
        for number in (failed + 1)...max(failed + 1, samples) where number <= samples {
            noneOf *= 1 - Double(k) / Double(number)
        }
        return 1 - noneOf
    }
}

/// pass@k over items, with an interval.
package struct PassAtK: Sendable, Hashable {
    package var k: Int
    package var value: Double
    package var low: Double
    package var high: Double
    /// Items with at least `k` samples.
    package var items: Int
    /// Whether the interval comes from a normal approximation instead of a bootstrap.
    package var isNormal: Bool

    /// Resamples of the bootstrap.
    package static let resamples = 1000
    /// Number of items above which a bootstrap gives the same interval as the normal approximation.
    package static let bootstrapItemsMax = 5000
    private static let seed: UInt64 = 0x7061_7373_4061_6B00

    /// Nil if no item has enough samples.
    package init?(_ k: Int, of items: some Collection<SampleCount>) {
        // Sorted, so that equal items give equal intervals.
        let values = items.compactMap { $0.passAt(k) }.sorted()
        guard !values.isEmpty else { return nil }
        self.k = k
        self.items = values.count
        let mean = values.reduce(0, +) / Double(values.count)
        value = mean
        isNormal = values.count > Self.bootstrapItemsMax
        if isNormal {
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let error = 1.959_964 * (squares / Double(values.count - 1) / Double(values.count)).squareRoot()
            (low, high) = (max(0, mean - error), min(1, mean + error))
        } else {
            (low, high) = Self.bootstrap(values)
        }
    }

    /// The 2.5th and 97.5th percentiles of means over items drawn with replacement, with a fixed seed.
    private static func bootstrap(_ values: [Double]) -> (Double, Double) {
        var state = seed
        var means: [Double] = []
        means.reserveCapacity(resamples)
        for _ in 0..<resamples {
            var sum = 0.0
            for _ in values.indices { sum += values[Int(next(&state) % UInt64(values.count))] }
            means.append(sum / Double(values.count))
        }
        means.sort()
        return (means[resamples * 25 / 1000], means[resamples * 975 / 1000 - 1])
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    private static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// The name of the interval's method, for display.
    package var intervalName: String { isNormal ? "95% normal over items" : "95% bootstrap over items" }
}
