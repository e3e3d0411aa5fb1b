public import Basics

/// A distribution of times in buckets that grow by a tenth: a quantile is off by at most a twentieth.
public struct TimeSpread: Sendable, Hashable {
    private var buckets: [Int] = []
    public private(set) var count = 0

    /// The upper end of the first bucket, in milliseconds.
    private static let first = 1.0
    private static let growth = 1.1
    /// Buckets up to a day.
    private static let bucketsMax = 200

    public init() {}

    mutating func add(_ time: Interval) {
        var (bucket, end) = (0, Self.first)
        let milliseconds = time.seconds * 1000
        while milliseconds > end, bucket < Self.bucketsMax {
            bucket += 1
            end *= Self.growth
        }
        if bucket >= buckets.count { buckets += [Int](repeating: 0, count: bucket + 1 - buckets.count) }
        buckets[bucket] += 1
        count += 1
    }

    /// The sum of both distributions.
    func joined(with other: TimeSpread) -> TimeSpread {
        var sum = buckets.count < other.buckets.count ? other : self
        for (bucket, inBucket) in (buckets.count < other.buckets.count ? buckets : other.buckets).enumerated() {
            sum.buckets[bucket] += inBucket
        }
        sum.count = count + other.count
        return sum
    }

    /// The mean of the times in the buckets above a time; nil if too few are known.
    func mean(above limit: Interval, ofAtLeast countMin: Int = 1) -> Interval? {
        var (above, milliseconds, end) = (0, 0.0, Self.first)
        for inBucket in buckets {
            // A bucket's middle is a twentieth below its end.
            if end > limit.seconds * 1000 * Self.growth.squareRoot() {
                above += inBucket
                milliseconds += Double(inBucket) * end / Self.growth.squareRoot()
            }
            end *= Self.growth
        }
        return above >= max(1, countMin) ? .seconds(milliseconds / Double(above) / 1000) : nil
    }

    /// The time that this share (0 to 1) does not exceed; nil if there are none.
    public func quantile(_ share: Double) -> Interval? {
        guard count > 0 else { return nil }
        let rank = max(1, min(count, Int((share * Double(count)).rounded(.up))))
        var (seen, end) = (0, Self.first)
        for inBucket in buckets {
            seen += inBucket
            if seen >= rank { return .seconds(end / 1000) }
            end *= Self.growth
        }
        return nil
    }
}
