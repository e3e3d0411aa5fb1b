/// Events over time, in bins of equal length.
///
/// Only bins with events take memory, and there are at most `binsMax` of them: beyond that the bins become longer. The
/// resolution therefore depends on the duration of the work, not on the time between the first run and the last.
package struct Timeline: Sendable, Equatable {
    /// Sums over the outcomes of one bin, or of one column of a picture.
    package struct Bin: Sendable, Hashable {
        package var done = 0
        /// By the number of the failure class; may be shorter than the list of classes.
        package var failedByClass: [Int] = []
        package var promptTokens = 0
        package var completionTokens = 0
        /// Total over the answers.
        package var latencyMilliseconds = 0
        package var cost = 0.0

        package var failed: Int { failedByClass.reduce(0, +) }

        package mutating func countFailure(_ classIndex: Int, _ count: Int = 1) {
            if classIndex >= failedByClass.count {
                failedByClass.append(contentsOf: repeatElement(0, count: classIndex + 1 - failedByClass.count))
            }
            failedByClass[classIndex] += count
        }

        package static func += (a: inout Bin, b: Bin) {
            a.done += b.done
            for (index, count) in b.failedByClass.enumerated() where count > 0 { a.countFailure(index, count) }
            a.promptTokens &+= b.promptTokens
            a.completionTokens &+= b.completionTokens
            a.latencyMilliseconds &+= b.latencyMilliseconds
            a.cost += b.cost
        }
    }

    package static let binsMax = 4096
    /// Lengths of bins in seconds; each is a multiple of the one before.
    package static let lengths: [Int64] = [
        1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800,
    ]

    /// The length of a bin in seconds.
    package private(set) var binSeconds: Int64 = 1
    private var bins: [Int64: Bin] = [:]
    /// Seconds since 1970 of the first and of the last outcome.
    package private(set) var first: Int64?
    package private(set) var last: Int64?
    /// The most recently used bin, kept outside the table: outcomes are almost in order.
    private var current: (number: Int64, bin: Bin)?

    package static func == (a: Timeline, b: Timeline) -> Bool { a.sorted == b.sorted && a.binSeconds == b.binSeconds }

    /// Adds to the bin of a time, in seconds since 1970.
    package mutating func add(at second: Int64, _ change: (inout Bin) -> Void) {
        first = min(first ?? second, second)
        last = max(last ?? second, second)
        if current?.number != Self.floor(second, binSeconds) {
            store()
            let number = Self.floor(second, binSeconds)
            current = (number, bins.removeValue(forKey: number) ?? Bin())
        }
        change(&current!.bin)
    }

    /// One bin and the second at which it begins.
    package struct Entry: Sendable, Hashable {
        package var start: Int64
        package var bin: Bin
    }

    /// The bins with events, in order.
    package var sorted: [Entry] {
        var all = bins
        if let current { all[current.number] = current.bin }
        return all.map { Entry(start: $0.key * binSeconds, bin: $0.value) }.sorted { $0.start < $1.start }
    }

    private mutating func store() {
        guard let finished = current else { return }
        bins[finished.number] = finished.bin
        current = nil
        while bins.count > Self.binsMax { widen() }
    }

    private mutating func widen() {
        let next = Self.lengths.first { $0 > binSeconds } ?? binSeconds * 2
        let factor = next / binSeconds
        var wide: [Int64: Bin] = [:]
        for (number, bin) in bins { wide[Self.floor(number, factor), default: Bin()] += bin }
        bins = wide
        binSeconds = next
    }

    /// Division that rounds down, also for times before 1970.
    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : (value - divisor + 1) / divisor
    }
}
