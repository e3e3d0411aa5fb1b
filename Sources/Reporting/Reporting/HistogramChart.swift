import CommandLine
package import Dataset

/// A distribution, with marks at the 50th, 95th and 99th percentiles.
package struct HistogramChart {
    package var title: String
    package var histogram: LogHistogram
    package var quantity: Quantity
    /// The class of the bars' colour in the style sheet.
    package var style: String

    /// Width of a label's character, rather too large than too small.
    private static let characterWidth = 7.5

    private static let markWidth = 27.0

    private let frame = ChartFrame(width: 512, height: 216, top: 34, bottom: 26)
    private let bars: HistogramBars

    /// - Parameter histogram: not empty.
    package init(_ title: String, _ histogram: LogHistogram, _ quantity: Quantity, style: String) {
        self.title = title
        self.histogram = histogram
        self.quantity = quantity
        self.style = style
        bars = HistogramBars(histogram)
    }

    /// Remarks for the caption; may be empty.
    package var remark: String {
        var parts: [String] = []
        if bars.isLogarithmic { parts.append("logarithmic axis") }
        if bars.zeros > 0 { parts.append("\(Human.count(bars.zeros)) zeros are not drawn") }
        return parts.joined(separator: "; ")
    }

    package func draw(_ markup: inout Markup) {
        let greatest = Double(bars.bars.map(\.count).max() ?? 0)
        let ticks = AxisTicks.fromZero(to: max(greatest, 1), count: 4).filter { $0 == $0.rounded() }
        frame.svg(&markup, title: title, description: description) { svg in
            frame.grid(&svg, ticks: ticks) { Quantity.compact($0) }
            for bar in bars.bars where bar.count > 0 { draw(&svg, bar, ticks.last ?? 1) }
            axis(&svg)
            marks(&svg)
        }
        markup.newLine()
    }

    private var description: String {
        let shares = [(0.5, "half"), (0.95, "95%"), (0.99, "99%")].map { share, name in
            "\(name) at most \(quantity.text(histogram.quantile(share)))"
        }
        return "\(Human.count(histogram.count)) values from \(quantity.text(histogram.minimum)) to "
            + "\(quantity.text(histogram.maximum)): \(shares.joined(separator: ", "))"
    }

    private func x(_ value: Double) -> Double {
        guard let range = bars.range else { return frame.left }
        let share =
            bars.isLogarithmic
            ? (logarithm(max(value, 1)) - logarithm(max(range.lowerBound, 1)))
                / (logarithm(range.upperBound) - logarithm(max(range.lowerBound, 1)))
            : (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        return frame.left + min(1, max(0, share)) * frame.plotWidth
    }

    private func draw(_ svg: inout Markup, _ bar: HistogramBars.Bar, _ top: Double) {
        let left = x(bar.range.lowerBound)
        let width = max(1, x(bar.range.upperBound) - left - 1)
        let y = min(frame.y(Double(bar.count), of: top), frame.baseline - 1)
        let isSingle = bar.range.upperBound - bar.range.lowerBound <= 1
        let range =
            isSingle
            ? quantity.text(bar.range.lowerBound)
            : "\(quantity.text(bar.range.lowerBound)) to \(quantity.text(bar.range.upperBound))"
        frame.box(
            &svg, style, x: left, y: y, width: width, height: frame.baseline - y,
            hint: "\(range): \(Human.count(bar.count)), \(Human.percent(bar.count, of: histogram.count))")
    }

    private func axis(_ svg: inout Markup) {
        guard let range = bars.range else { return }
        let ticks =
            bars.isLogarithmic ? AxisTicks.logarithmic(range) : AxisTicks.linear(range, count: 7)
        var free = -Double.infinity
        for tick in ticks where bars.isLogarithmic || tick == tick.rounded() {
            // Bars of single numbers have their label in the middle.
            let isSingle =
                !bars.isLogarithmic && (bars.bars.first.map { $0.range.upperBound - $0.range.lowerBound } ?? 0) <= 1
            let x = x(tick) + (isSingle ? frame.plotWidth / (range.upperBound - range.lowerBound) / 2 : 0)
            guard x <= frame.width - frame.right else { continue }
            frame.line(&svg, "tick", (x, frame.baseline), (x, frame.baseline + 4))
            let label = quantity.tick(tick)
            let half = Double(label.count) * Self.characterWidth / 2
            guard x - half >= free else { continue }
            frame.text(&svg, "middle", (x, frame.baseline + 18), label)
            free = x + half + Self.characterWidth
        }
    }

    private func marks(_ svg: inout Markup) {
        var free = -Double.infinity
        for (share, name) in [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")] {
            guard let value = histogram.quantile(share) else { continue }
            let x = x(Double(value) + (bars.isLogarithmic ? 0 : 0.5))
            frame.line(&svg, "mark", (x, frame.top - 8), (x, frame.baseline))
            // Labels that would overlap are moved to the right.
            let place = min(max(x, free), frame.width - Self.markWidth / 2)
            frame.text(&svg, "middle strong", (place, frame.top - 14), name)
            free = place + Self.markWidth
        }
    }
}
