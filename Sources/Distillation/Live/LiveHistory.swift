package import Dataset

/// How a run went over time, in so few samples that a page can draw them: each time they are full, pairs are joined.
package struct LiveHistory: Sendable {
    package struct Sample: Sendable, Hashable {
        /// A second.
        package var items = 0.0
        package var tokens = 0.0
        package var limited = 0.0
        package var inFlight = 0.0
        package var limit = 0.0
        /// Seconds; nil where no request came back.
        package var p50: Double?
        package var p95: Double?
        package var p99: Double?
    }

    package static let samplesMax = 240

    package private(set) var samples: [Sample] = []
    /// Seconds of a sample.
    package private(set) var step = 1.0
    /// The first half of a pair, once samples are longer than what is added.
    private var halves: [Sample] = []
    private var perSample = 1

    /// Adds one sample of a second.
    package mutating func add(_ sample: Sample) {
        halves.append(sample)
        guard halves.count == perSample else { return }
        samples.append(Self.joined(halves))
        halves = []
        guard samples.count == Self.samplesMax else { return }
        samples = stride(from: 0, to: samples.count, by: 2).map {
            Self.joined(Array(samples[$0..<min($0 + 2, samples.count)]))
        }
        perSample *= 2
        step *= 2
    }

    /// Means of what is counted; the median's mean and the greatest of the high quantiles, which hides no peak.
    package static func joined(_ parts: [Sample]) -> Sample {
        func mean(_ value: KeyPath<Sample, Double>) -> Double {
            parts.reduce(0) { $0 + $1[keyPath: value] } / Double(max(1, parts.count))
        }
        let medians = parts.compactMap(\.p50)
        return Sample(
            items: mean(\.items), tokens: mean(\.tokens), limited: mean(\.limited), inFlight: mean(\.inFlight),
            limit: mean(\.limit), p50: medians.isEmpty ? nil : medians.reduce(0, +) / Double(medians.count),
            p95: parts.compactMap(\.p95).max(), p99: parts.compactMap(\.p99).max())
    }
}

extension LiveHistory {
    /// Columns, so that no name is written 240 times.
    package func json(end: Int) -> JSONTree {
        typealias Member = JSONTree.Member
        func column(_ name: String, _ value: KeyPath<Sample, Double>) -> Member {
            Member(name, .list(samples.map { .real(Self.short($0[keyPath: value])) }))
        }
        func column(_ name: String, _ value: KeyPath<Sample, Double?>) -> Member {
            Member(name, .list(samples.map { JSONTree($0[keyPath: value].map(Self.short)) }))
        }
        return .object([
            Member("step", .real(step)), Member("end", .integer(end)), column("items", \.items),
            column("tokens", \.tokens), column("limited", \.limited), column("in_flight", \.inFlight),
            column("limit", \.limit), column("p50", \.p50), column("p95", \.p95), column("p99", \.p99),
        ])
    }

    /// Four digits are more than a chart shows.
    package static func short(_ number: Double) -> Double {
        guard number.magnitude >= 0.001 else { return 0 }
        let scale = number.magnitude >= 1000 ? 1.0 : number.magnitude >= 10 ? 100.0 : 10_000.0
        return (number * scale).rounded() / scale
    }
}
