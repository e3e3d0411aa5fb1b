/// Counts of whole numbers in buckets that grow with the numbers, so that any range fits into a few kilobytes.
///
/// Numbers below 128 have a bucket each. Above, each power of two is divided into 64 buckets, so a quantile is off by
/// at most `relativeErrorMax` of the true one. Count, sum, minimum and maximum are exact.
package struct LogHistogram: Sendable, Hashable {
    private static let precisionBits = 6
    /// Greater numbers are clamped to it, so that no server's nonsense overflows a sum.
    package static let numberMax = 1 << 44
    /// Half a bucket's width divided by its lower end.
    package static let relativeErrorMax = 1.0 / Double(2 << precisionBits)

    package private(set) var count = 0
    /// Exact up to 2^53.
    package private(set) var sum = 0.0
    private var least = Int.max
    private var greatest = 0
    private var buckets: [Int] = []

    package init() {}

    package var isEmpty: Bool { count == 0 }
    package var minimum: Int? { isEmpty ? nil : least }
    package var maximum: Int? { isEmpty ? nil : greatest }
    package var mean: Double? { isEmpty ? nil : sum / Double(count) }

    /// Adds one number; a negative one counts as 0.
    package mutating func add(_ number: Int) {
        let number = Self.clamped(number)
        let index = Self.index(number)
        if index >= buckets.count {
            buckets.append(contentsOf: repeatElement(0, count: index + 1 - buckets.count))
        }
        buckets[index] += 1
        count += 1
        sum += Double(number)
        least = min(least, number)
        greatest = max(greatest, number)
    }

    /// Adds all numbers of another one.
    package mutating func add(_ other: LogHistogram) {
        if other.buckets.count > buckets.count {
            buckets.append(contentsOf: repeatElement(0, count: other.buckets.count - buckets.count))
        }
        for (index, inBucket) in other.buckets.enumerated() where inBucket > 0 { buckets[index] += inBucket }
        count += other.count
        sum += other.sum
        least = min(least, other.least)
        greatest = max(greatest, other.greatest)
    }

    package static func clamped(_ number: Int) -> Int { min(numberMax, max(0, number)) }

    /// The smallest number that is at least as large as the share `share` (0 to 1) of the numbers; nil if there are
    /// none.
    package func quantile(_ share: Double) -> Int? {
        guard !isEmpty else { return nil }
        let rank = max(1, min(count, Int((share * Double(count)).rounded(.up))))
        var seen = 0
        for (index, inBucket) in buckets.enumerated() {
            seen += inBucket
            if seen >= rank {
                let range = Self.range(index)
                return min(greatest, max(least, range.lowerBound + (range.count - 1) / 2))
            }
        }
        return greatest
    }

    /// The buckets that are not empty, in order.
    package var filled: [(range: Range<Int>, count: Int)] {
        buckets.enumerated().filter { $0.element > 0 }.map { (Self.range($0.offset), $0.element) }
    }

    /// The bucket of a number.
    package static func index(_ number: Int) -> Int {
        guard number >= 2 << precisionBits else { return number }
        let shift = Int.bitWidth - 1 - number.leadingZeroBitCount - precisionBits
        return (shift << precisionBits) + (number >> shift)
    }

    /// The numbers of a bucket.
    package static func range(_ index: Int) -> Range<Int> {
        guard index >= 2 << precisionBits else { return index..<index + 1 }
        let shift = (index >> precisionBits) - 1
        let lower = (index - (shift << precisionBits)) << shift
        return lower..<lower + (1 << shift)
    }
}
