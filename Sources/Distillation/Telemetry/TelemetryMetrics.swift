import Basics
import ModelAPI

/// The two histograms that OpenTelemetry's conventions for generative AI require of clients, since the start of the
/// run. A value.
struct TelemetryMetrics: Sendable {
    /// The attributes of a histogram. Models may come from rows and error types from servers, so there are maximum
    /// `groupsMax` groups; the rest is counted without a model and with the error type `_OTHER`.
    struct Group: Sendable, Hashable {
        var server: TelemetryServer
        var model: String
        var errorType: String
    }

    struct Histogram: Sendable, Hashable {
        var counts: [Int]
        var sum = 0.0
        var count = 0

        init(_ bounds: [Double]) { counts = [Int](repeating: 0, count: bounds.count + 1) }

        mutating func add(_ value: Double, _ bounds: [Double]) {
            counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            sum += value
            count += 1
        }
    }

    struct Values: Sendable, Hashable {
        /// Seconds.
        var duration = Histogram(TelemetryMetrics.durationBounds)
        var input = Histogram(TelemetryMetrics.tokenBounds)
        var output = Histogram(TelemetryMetrics.tokenBounds)
    }

    /// From the conventions.
    static let durationBounds = [
        0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
    ]
    static let tokenBounds: [Double] = [
        1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
    ]
    static let groupsMax = 64

    private(set) var groups: [Group: Values] = [:]

    init() {}

    mutating func add(_ span: TelemetrySpan, _ server: TelemetryServer) {
        var group = Group(server: server, model: span.asked, errorType: span.failureClass)
        if groups[group] == nil, groups.count >= Self.groupsMax {
            group = Group(server: server, model: "", errorType: span.failureClass.isEmpty ? "" : "_OTHER")
        }
        var values = groups[group] ?? Values()
        values.duration.add(Double(span.end - min(span.start, span.end)) / 1e9, Self.durationBounds)
        if span.usage.prompt > 0 { values.input.add(Double(span.usage.prompt), Self.tokenBounds) }
        if span.usage.completion > 0 { values.output.add(Double(span.usage.completion), Self.tokenBounds) }
        groups[group] = values
    }
}
