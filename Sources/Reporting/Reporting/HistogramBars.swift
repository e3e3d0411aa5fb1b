package import Dataset

/// A histogram reduced to a few bars for a picture or a table: of equal width, or of equal ratio if the numbers span a
/// large range.
package struct HistogramBars: Sendable, Hashable {
    package struct Bar: Sendable, Hashable {
        /// The numbers it counts, without the upper end.
        package var range: Range<Double>
        package var count: Int
    }

    package static let barsMax = 48
    /// Numbers up to this always get bars of equal width.
    private static let linearMax = 60
    /// So do ranges whose ends differ by less than this factor.
    private static let linearRatioMax = 5.0
    /// Bars of equal ratio per factor of ten.
    private static let barsPerDecade = 10.0

    package let isLogarithmic: Bool
    package private(set) var bars: [Bar] = []
    /// Zeros, which a logarithmic axis cannot show.
    package private(set) var zeros = 0

    package init(_ histogram: LogHistogram) {
        let positive = histogram.filled.filter { $0.range.lowerBound > 0 }
        let least = positive.first.map { max($0.range.lowerBound, histogram.minimum ?? 0) } ?? 0
        let greatest = histogram.maximum ?? 0
        isLogarithmic = greatest > Self.linearMax && Double(greatest) >= Self.linearRatioMax * Double(max(least, 1))
        guard !histogram.isEmpty else { return }
        let buckets = isLogarithmic ? positive : histogram.filled
        if isLogarithmic { zeros = histogram.count - positive.reduce(0) { $0 + $1.count } }
        let edges =
            isLogarithmic
            ? Self.ratioEdges(least, greatest) : Self.equalEdges(histogram.minimum ?? 0, greatest)
        bars = zip(edges, edges.dropFirst()).map { Bar(range: $0..<$1, count: 0) }
        for bucket in buckets { spread(bucket) }
    }

    /// The range of all bars.
    package var range: Range<Double>? {
        guard let first = bars.first, let last = bars.last else { return nil }
        return first.range.lowerBound..<last.range.upperBound
    }

    /// A bucket is counted in the bar that contains its middle.
    private mutating func spread(_ bucket: (range: Range<Int>, count: Int)) {
        let middle = (Double(bucket.range.lowerBound) + Double(bucket.range.upperBound - 1)) / 2
        let index = bars.firstIndex { $0.range.contains(middle) } ?? bars.count - 1
        bars[index].count += bucket.count
    }

    /// A bar covers whole buckets of the histogram, so that no bar gets more of them than its neighbour.
    private static func equalEdges(_ least: Int, _ greatest: Int) -> [Double] {
        let bucket = Double(LogHistogram.range(LogHistogram.index(greatest)).count)
        let width = bucket * max(1, AxisTicks.niceStep(Double(greatest - least + 1) / bucket / Double(barsMax)))
        let start = (Double(least) / width).rounded(.down) * width
        let count = Int(((Double(greatest) + 1 - start) / width).rounded(.up))
        return (0...max(1, count)).map { start + Double($0) * width }
    }

    /// Ten per decade, at the beginnings of buckets.
    private static func ratioEdges(_ least: Int, _ greatest: Int) -> [Double] {
        let decades = logarithm(Double(greatest) + 1) - logarithm(Double(max(1, least)))
        let perDecade = min(barsPerDecade, (Double(barsMax - 2) / decades).rounded(.down))
        let lower = (logarithm(Double(max(1, least))) * perDecade).rounded(.down)
        let upper = max(lower + 1, (logarithm(Double(greatest) + 1) * perDecade).rounded(.up))
        var edges: [Double] = []
        for step in Int(lower)...Int(upper) {
            let number = Int(power(Double(step) / perDecade).rounded())
            let edge = Double(LogHistogram.range(LogHistogram.index(number)).lowerBound)
            if edge > edges.last ?? -1 { edges.append(edge) }
        }
        return edges
    }
}
