import Basics
import CommandLine
import Dataset

/// Stacked quantities over time, one step per column. Pauses without columns are marked.
package struct TimeChart {
    /// One layer of the stack.
    package struct Series {
        package var name: String
        /// The class of its colour in the style sheet.
        package var style: String
        /// A column's value, from its sums and the seconds that it covers.
        package var value: (_ bin: Timeline.Bin, _ seconds: Double) -> Double
    }

    package var title: String
    package var columns: TimeColumns
    package var series: [Series]
    /// A value on the axis.
    package var tick: (Double) -> String
    /// A value in a hint.
    package var label: (Double) -> String
    /// A hint's remark about the whole column.
    package var remark: (Timeline.Bin) -> String = { _ in "" }

    private static let breakWidth = 54.0
    private static let labelWidth = 62.0

    private let frame = ChartFrame(width: 1040, height: 220, bottom: 46)

    package init(
        _ title: String, _ columns: TimeColumns, _ series: [Series], tick: @escaping (Double) -> String,
        label: @escaping (Double) -> String
    ) {
        self.title = title
        self.columns = columns
        self.series = series
        self.tick = tick
        self.label = label
    }

    /// A column in the picture.
    private struct Place {
        var stretch: Int
        var column: Int
        var x: Double
        /// The heights of the layers, in the order of the series.
        var values: [Double]
        var bin: Timeline.Bin
        var total: Double { values.reduce(0, +) }
    }

    private var columnWidth: Double {
        let breaks = Double(columns.stretches.count - 1) * Self.breakWidth
        return (frame.plotWidth - breaks) / Double(max(1, columns.count))
    }

    private var places: [[Place]] {
        var x = frame.left
        return columns.stretches.indices.map { stretch in
            defer { x += Self.breakWidth }
            return columns.stretches[stretch].columns.enumerated().map { column, bin in
                defer { x += columnWidth }
                let seconds = Double(columns.coveredSeconds(stretch, column))
                return Place(
                    stretch: stretch, column: column, x: x, values: series.map { $0.value(bin, seconds) }, bin: bin)
            }
        }
    }

    package func draw(_ markup: inout Markup) {
        let places = places
        let greatest = places.joined().map(\.total).max() ?? 0
        let ticks = AxisTicks.fromZero(to: greatest, count: 4)
        let top = ticks.last ?? 1
        frame.svg(&markup, title: title, description: description(greatest)) { svg in
            frame.grid(&svg, ticks: ticks, label: tick)
            for stretch in places {
                for layer in series.indices { area(&svg, stretch, layer, top) }
                hints(&svg, stretch)
            }
            timeAxis(&svg, places)
        }
        markup.newLine()
    }

    private func description(_ greatest: Double) -> String {
        let first = columns.stretches.first.map { UTCTime($0.start).text } ?? ""
        let names = series.map(\.name).joined(separator: ", ")
        return "\(names) from \(first); the highest column is \(label(greatest)). "
            + "A column covers \(Quantity.duration(seconds: Double(columns.columnSeconds)))."
    }

    /// One layer of one stretch: along its top to the right, then back along the top of the layer below.
    private func area(_ svg: inout Markup, _ places: [Place], _ layer: Int, _ top: Double) {
        guard places.contains(where: { $0.values[layer] > 0 }) else { return }
        var path = ""
        func add(_ command: String, _ x: Double, _ y: Double) {
            path += "\(command)\(ChartFrame.number(x)) \(ChartFrame.number(y))"
        }
        for (index, place) in places.enumerated() {
            let y = frame.y(place.values[...layer].reduce(0, +), of: top)
            add(index == 0 ? "M" : "L", place.x, y)
            add("L", place.x + columnWidth, y)
        }
        for place in places.reversed() {
            let y = frame.y(place.values[..<layer].reduce(0, +), of: top)
            add("L", place.x + columnWidth, y)
            add("L", place.x, y)
        }
        svg.element("path", ["class": series[layer].style, "d": path + "Z"]) { _ in }
    }

    private func hints(_ svg: inout Markup, _ places: [Place]) {
        for place in places where place.total > 0 {
            let start = columns.start(place.stretch, place.column)
            let end = start + columns.columnSeconds
            var lines = ["\(UTCTime(start).date) \(UTCTime(start).longClock) to \(UTCTime(end).longClock) UTC"]
            for (layer, series) in series.enumerated() where place.values[layer] > 0 {
                lines.append("\(series.name) \(label(place.values[layer]))")
            }
            let remark = remark(place.bin)
            if !remark.isEmpty { lines.append(remark) }
            frame.box(
                &svg, "hint", x: place.x, y: frame.top, width: columnWidth, height: frame.plotHeight,
                hint: lines.joined(separator: "; "))
        }
    }

    private func timeAxis(_ svg: inout Markup, _ places: [[Place]]) {
        let perPixel = Double(columns.columnSeconds) / columnWidth
        let step = AxisTicks.timeStep(perPixel * 90)
        var clockEnd = -Double.infinity
        var dateEnd = -Double.infinity
        for (index, stretch) in places.enumerated() {
            guard let left = stretch.first?.x, let right = stretch.last.map({ $0.x + columnWidth }) else { continue }
            let start = columns.start(index, 0)
            let end = start + Int64(stretch.count) * columns.columnSeconds
            if index > 0 { pause(&svg, before: index, at: left) }
            var date = ""
            var marks = AxisTicks.times(start..<end, step: step)
            if marks.first != start { marks.insert(start, at: 0) }
            for moment in marks {
                let x = left + Double(moment - start) / perPixel
                let time = UTCTime(moment)
                guard x <= right else { continue }
                let isRound = moment % step == 0
                // If a round time is near the beginning of a stretch, only that one is labelled.
                let next = marks.first { $0 > moment }.map { left + Double($0 - start) / perPixel }
                if !isRound, let next, next - x < Self.labelWidth { continue }
                frame.line(&svg, "tick", (x, frame.baseline), (x, frame.baseline + 4))
                if x >= clockEnd, step < 86_400 {
                    frame.text(&svg, "middle", (x, frame.baseline + 18), step < 60 ? time.longClock : time.clock)
                    clockEnd = x + Self.labelWidth
                }
                if time.shortDate != date, x >= dateEnd {
                    frame.text(&svg, "middle strong", (x, frame.baseline + 34), time.shortDate)
                    date = time.shortDate
                    dateEnd = x + Self.labelWidth
                }
            }
        }
    }

    /// Two strokes in the gap before a stretch, with its length as a hint.
    private func pause(_ svg: inout Markup, before stretch: Int, at right: Double) {
        let middle = right - Self.breakWidth / 2
        let previous = columns.stretches[stretch - 1]
        let end = previous.start + Int64(previous.columns.count) * columns.columnSeconds
        let seconds = max(0, columns.stretches[stretch].start - end)
        for offset in [-3.0, 3.0] {
            frame.line(
                &svg, "pause", (middle + offset - 3, frame.baseline + 6), (middle + offset + 3, frame.baseline - 6))
        }
        let length = Quantity.duration(seconds: Double(seconds))
        frame.text(&svg, "middle faint", (middle, frame.baseline - 12), length)
        frame.box(
            &svg, "hint", x: right - Self.breakWidth, y: frame.top, width: Self.breakWidth, height: frame.plotHeight,
            hint: "nothing for \(length)")
    }
}
