import Basics
import Dataset
import ModelAPI

/// Counts of finished exchanges. Arranged so that one exchange costs a few comparisons and no hashing; `counts` sorts it.
struct ExchangeTally {
    private static let statuses = 100..<600
    private static let nanosecondBounds = ExchangeWatch.bounds.map { Int64(($0 * 1e9).rounded()) }
    /// Maximum status codes counted individually; further ones count as 0.
    private static let codesMax = 64

    private var codes = [Int](repeating: 0, count: Self.statuses.count)
    private var codesSeen = 0
    private var otherCodes = 0
    private var broken: [TransportFailure.Kind: Int] = [:]
    /// Durations before the last call of `takeRecent`, and since.
    private var durations = LogHistogram()
    private var recent = LogHistogram()
    private var buckets = [Int](repeating: 0, count: Self.nanosecondBounds.count + 1)
    private var nanoseconds = 0

    mutating func add(status: Int, latency: Interval) {
        count(status)
        let latency = max(0, latency.nanoseconds)
        recent.add(Int(latency / 1_000_000))
        nanoseconds = nanoseconds.addingSaturated(Int(latency))
        buckets[Self.nanosecondBounds.firstIndex { latency <= $0 } ?? Self.nanosecondBounds.count] += 1
    }

    mutating func add(_ kind: TransportFailure.Kind) { broken[kind, default: 0] += 1 }

    mutating func add(milliseconds: Int) { recent.add(milliseconds) }

    mutating func takeRecent() -> LogHistogram {
        defer { recent = LogHistogram() }
        durations.add(recent)
        return recent
    }

    var counts: ExchangeWatch.Counts {
        var counts = ExchangeWatch.Counts()
        for (index, count) in codes.enumerated() where count > 0 {
            counts.codes[Self.statuses.lowerBound + index] = count
        }
        if otherCodes > 0 { counts.codes[0] = otherCodes }
        counts.broken = broken
        counts.durations = durations
        counts.durations.add(recent)
        (counts.buckets, counts.seconds) = (buckets, Double(nanoseconds) / 1e9)
        return counts
    }

    private mutating func count(_ status: Int) {
        guard Self.statuses.contains(status) else {
            otherCodes += 1
            return
        }
        let index = status - Self.statuses.lowerBound
        if codes[index] == 0 {
            guard codesSeen < Self.codesMax else {
                otherCodes += 1
                return
            }
            codesSeen += 1
        }
        codes[index] += 1
    }
}
