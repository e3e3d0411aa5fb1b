package import Basics
package import Dataset
import JSONText
import ModelAPI
package import SegmentStore

/// Measurements of a store's answers, to estimate those to come.
package struct StoreMeasurements: Sendable, Hashable {
    /// Means over the whole store, from its sums.
    private var done = 0
    private var completionMean = 0.0
    private var latencyMean = 0.0
    package private(set) var cachedShare = 0.0
    /// Number of sampled records.
    private var looked = 0
    private var askedBytes = 0.0
    private var promptTokens = 0.0
    private var squares = Squares()
    /// Number of sampled records that may have been answered live.
    private var liveLooked = 0
    private var liveLatency = 0.0

    /// Milliseconds; a longer latency means that the answer came in a batch.
    package static let liveLatencyMax = 900_000.0

    /// Mean seconds of a live answer; nil if none was timed.
    package var liveSeconds: Double? { liveLooked > 0 ? liveLatency / Double(liveLooked) / 1000 : nil }

    /// Sums of squares, for the deviations.
    private struct Squares: Hashable {
        var completion = 0.0
        var completionSquared = 0.0
        var latency = 0.0
        var latencySquared = 0.0
        var prompt = 0.0
        var asked = 0.0
        var product = 0.0
    }

    /// Maximum records sampled for the deviations; the means are exact.
    package static let recordsMax = 2000

    package init() {}

    /// Whether there was any answer.
    package var isKnown: Bool { done > 0 }

    /// Reads the first records of a store.
    package init(_ reader: StoreReader) throws(RetortError) {
        let counters = reader.counters
        done = Int(counters.done)
        guard done > 0 else { return }
        func sum(_ place: RecordTallies.Place) -> Double { Double(RecordTallies.sum(place.rawValue, in: counters)) }
        completionMean = sum(.completion) / Double(done)
        latencyMean = sum(.latency) / Double(done)
        cachedShare = sum(.prompt) > 0 ? sum(.cached) / sum(.prompt) : 0
        let parser = JSONParser()
        let enough = RetortError(.interrupted, "enough records")
        do throws(RetortError) {
            var measured = self
            defer { self = measured }
            try reader.forEach(.responses) { record throws(RetortError) in
                guard measured.looked < Self.recordsMax else { throw enough }
                if let root = try? parser.parse(record.line).root { measured.note(RecordView(root)) }
            }
        } catch {
            if error != enough { throw error }
        }
    }

    /// Adds one record.
    package mutating func note(_ record: RecordView) {
        let asked = Double(record.askedBytes)
        let prompt = Double(record.usage(.prompt))
        let completion = Double(record.usage(.completion))
        let latency = Double(record.integer(.latency))
        looked += 1
        if latency <= Self.liveLatencyMax {
            liveLooked += 1
            liveLatency += latency
        }
        askedBytes += asked
        promptTokens += prompt
        squares.completion += completion
        squares.completionSquared += completion * completion
        squares.latency += latency
        squares.latencySquared += latency * latency
        squares.prompt += prompt * prompt
        squares.asked += asked * asked
        squares.product += asked * prompt
    }

    package var isEmpty: Bool { looked == 0 }

    /// Prompt tokens of `items` requests with this many prompt bytes in total: a regression line through the
    /// measurements, since every request has tokens that are not of its text. Four bytes per token if nothing is known.
    ///
    /// The interval is that of linear regression: z·s·√(N + N²·(1/n + (x̄new - x̄)²/Sxx)).
    package func promptTokens(bytes: Int, items: Int) -> SumEstimate {
        guard looked > 1, promptTokens > 0, items > 0 else {
            return SumEstimate(mean: Double(bytes) / Double(TokenEstimate.bytesPerToken))
        }
        let (count, new) = (Double(looked), Double(items))
        let spread = max(0, squares.asked - askedBytes * askedBytes / count)
        let together = squares.product - askedBytes * promptTokens / count
        let isFlat = spread < 1e-9
        let slope = isFlat ? promptTokens / askedBytes : together / spread
        let start = isFlat ? 0 : (promptTokens - slope * askedBytes) / count
        let mean = max(0, start * new + slope * Double(bytes))
        let scatter = max(0, squares.prompt - promptTokens * promptTokens / count)
        let residual = isFlat ? scatter : max(0, scatter - slope * together)
        let distance = Double(bytes) / new - askedBytes / count
        let leverage = 1 / count + (isFlat ? 0 : distance * distance / spread)
        let deviation = (residual / max(1, count - 2)).squareRoot()
        let margin = SumEstimate.quantile * deviation * (new + new * new * leverage).squareRoot()
        return SumEstimate(mean: mean, interval: max(0, mean - margin)...(mean + margin))
    }

    /// Completion tokens of `items` answers; nil if nothing is known.
    package func completionTokens(items: Int) -> SumEstimate? {
        guard looked > 0 else { return nil }
        return SumEstimate(
            items: items, itemMean: completionMean,
            deviation: Self.deviation(squares.completion, squares.completionSquared, looked), measured: looked)
    }

    /// Milliseconds of waiting for `items` answers, one after another; nil if nothing is known.
    package func latency(items: Int) -> SumEstimate? {
        guard looked > 0 else { return nil }
        return SumEstimate(
            items: items, itemMean: latencyMean,
            deviation: Self.deviation(squares.latency, squares.latencySquared, looked), measured: looked)
    }

    private static func deviation(_ sum: Double, _ squared: Double, _ count: Int) -> Double {
        guard count > 1 else { return 0 }
        return (max(0, squared - sum * sum / Double(count)) / Double(count - 1)).squareRoot()
    }
}
