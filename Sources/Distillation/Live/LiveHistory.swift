package import Dataset

/// A run's rates over time, in a bounded number of samples for a chart: when they are full, pairs are merged.
package struct LiveHistory: Sendable {
    package struct Sample: Sendable, Hashable {
        /// Per second.
        package var items = 0.0
        package var tokens = 0.0
        package var limited = 0.0
        package var inFlight = 0.0
        package var limit = 0.0
        /// Seconds; nil if no request returned.
        package var p50: Double?
        package var p95: Double?
        package var p99: Double?
    }

    package static let samplesMax = 240

    package private(set) var samples: [Sample] = []
    /// The length of a sample, in seconds.
    package private(set) var step = 1.0
    /// The first half of a pair, once samples are longer than those added.
    private var halves: [Sample] = []
    private var perSample = 1

    /// Adds a sample of one second.
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

    /// Means of the counts and of the median; the maximum of the high quantiles, so that no peak is hidden.
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
    /// As columns, so that names are not repeated 240 times.
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

    /// Rounds to four digits, more than a chart shows.
    package static func short(_ number: Double) -> Double {
        guard number.magnitude >= 0.001 else { return 0 }
        let scale = number.magnitude >= 1000 ? 1.0 : number.magnitude >= 10 ? 100.0 : 10_000.0
        return (number * scale).rounded() / scale
    }
}
