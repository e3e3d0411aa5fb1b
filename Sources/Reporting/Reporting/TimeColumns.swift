/// A timeline divided into columns of equal length for a picture or a table; long idle times are left out.
package struct TimeColumns: Sendable, Hashable {
    /// A period of work without a long break.
    package struct Stretch: Sendable, Hashable {
        /// Seconds since 1970 at which the first column begins.
        package var start: Int64
        /// One for every `columnSeconds`, empty ones included.
        package var columns: [Timeline.Bin]
    }

    package static let columnsMax = 240
    package static let stretchesMax = 8
    /// A shorter pause is never left out.
    private static let gapSecondsMin: Int64 = 60
    /// A pause is left out if it is at least this share of the picture, which would otherwise show little else.
    private static let gapShareMin = 0.25

    /// Round column lengths in seconds.
    private static let lengths: [Int64] = [
        1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200,
        86_400, 172_800, 604_800,
    ]

    package private(set) var stretches: [Stretch] = []
    package private(set) var columnSeconds: Int64 = 1
    private let first: Int64
    private let last: Int64

    package init(_ timeline: Timeline) {
        first = timeline.first ?? 0
        last = timeline.last ?? 0
        let groups = Self.stretches(of: timeline.sorted, binSeconds: timeline.binSeconds)
        let spans = groups.map { $0[$0.count - 1].start - $0[0].start + timeline.binSeconds }
        let seconds = spans.reduce(0, +)
        columnSeconds = Self.columnSeconds(for: seconds, binSeconds: timeline.binSeconds)
        for (group, span) in zip(groups, spans) {
            let start = group[0].start
            let count = Int((span + columnSeconds - 1) / columnSeconds)
            var columns = [Timeline.Bin](repeating: Timeline.Bin(), count: count)
            for entry in group { columns[Int((entry.start - start) / columnSeconds)] += entry.bin }
            stretches.append(Stretch(start: start, columns: columns))
        }
    }

    /// Total number of columns.
    package var count: Int { stretches.reduce(0) { $0 + $1.columns.count } }

    /// Seconds of work: from the first outcome to the last, without omitted pauses.
    package var activeSeconds: Int64 {
        stretches.enumerated().reduce(0) { sum, stretch in
            let counts = stretch.element.columns.indices.map { coveredSeconds(stretch.offset, $0) }
            return sum + counts.reduce(0, +)
        }
    }

    /// The second at which a column begins.
    package func start(_ stretch: Int, _ column: Int) -> Int64 {
        stretches[stretch].start + Int64(column) * columnSeconds
    }

    /// How much of a column is between the first outcome and the last, in seconds: the divisor of its rates.
    package func coveredSeconds(_ stretch: Int, _ column: Int) -> Int64 {
        let start = start(stretch, column)
        return max(1, min(start + columnSeconds, last + 1) - max(start, first))
    }

    /// The sum of the last columns that cover at least `seconds`, and the seconds that they cover.
    package func recent(_ seconds: Int64) -> (bin: Timeline.Bin, seconds: Int64) {
        var sum = Timeline.Bin()
        var covered: Int64 = 0
        guard let stretch = stretches.last else { return (sum, 0) }
        for column in stretch.columns.indices.reversed() where covered < seconds {
            sum += stretch.columns[column]
            covered += coveredSeconds(stretches.count - 1, column)
        }
        return (sum, covered)
    }

    /// The shortest round length that gives few enough columns of whole bins. A stretch may add a column of its own.
    private static func columnSeconds(for seconds: Int64, binSeconds: Int64) -> Int64 {
        let room = Int64(columnsMax - stretchesMax)
        if let length = lengths.first(where: { $0 % binSeconds == 0 && seconds / $0 < room }) { return length }
        return (seconds / room / binSeconds + 1) * binSeconds
    }

    /// Cuts at the longest pause as long as it is a large part of the rest.
    private static func stretches(of entries: [Timeline.Entry], binSeconds: Int64) -> [[Timeline.Entry]] {
        guard let first = entries.first, let last = entries.last else { return [] }
        let gaps = zip(entries, entries.dropFirst()).enumerated().map { index, pair in
            (index: index + 1, seconds: pair.1.start - pair.0.start - binSeconds)
        }
        var remaining = last.start - first.start + binSeconds
        var cuts: [Int] = []
        for gap in gaps.sorted(by: { $0.seconds > $1.seconds }) {
            guard cuts.count + 1 < stretchesMax, gap.seconds >= gapSecondsMin,
                Double(gap.seconds) >= gapShareMin * Double(remaining)
            else { break }
            cuts.append(gap.index)
            remaining -= gap.seconds
        }
        let bounds = [0] + cuts.sorted() + [entries.count]
        return zip(bounds, bounds.dropFirst()).map { Array(entries[$0..<$1]) }
    }
}
