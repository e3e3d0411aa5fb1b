/// Metrics as Prometheus reads them: families of samples, as text of version 0.0.4 or as OpenMetrics 1.0.
public struct Exposition: Sendable {
    public enum Format: Sendable {
        case text
        case openMetrics

        public var contentType: String {
            switch self {
            case .text: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }

        /// Chooses the format by the `Accept` header: OpenMetrics only if it is named and not refused (`q=0`).
        public init(accept: String?) {
            let ranges = (accept ?? "").lowercased().split(separator: ",")
            let wanted = ranges.first { $0.drop { $0 == " " }.hasPrefix("application/openmetrics-text") }
            let isRefused = wanted?.split(separator: ";").contains { part in
                let pair = part.split(separator: "=").map { $0.filter { $0 != " " } }
                return pair.count == 2 && pair[0] == "q" && Double(pair[1]) == 0
            }
            self = isRefused == false ? .openMetrics : .text
        }
    }

    public struct Histogram: Sendable {
        /// Upper bounds, ascending; the last bucket has none.
        public var bounds: [Double]
        /// Samples per bucket, one more than `bounds`.
        public var counts: [Int]
        public var sum: Double

        public init(bounds: [Double], counts: [Int], sum: Double) {
            self.bounds = bounds
            self.counts = counts
            self.sum = sum
        }
    }

    public struct Sample: Sendable {
        public var labels: [(name: String, value: String)]
        public var value: Double

        public init(_ value: Double, _ labels: [(name: String, value: String)] = []) {
            self.value = value
            self.labels = labels
        }
    }

    private enum Value: Sendable {
        case gauge([Sample])
        case counter([Sample])
        case histogram(Histogram)
    }

    private var families: [(name: String, help: String, value: Value)] = []

    public init() {}

    /// A value that goes up and down.
    public mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
        families.append((name, help, .gauge(samples)))
    }

    /// A value that only grows. `name` comes without `_total`, which is added.
    public mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
        families.append((name, help, .counter(samples)))
    }

    public mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
        families.append((name, help, .histogram(histogram)))
    }

    /// Families without a sample are left out.
    public func text(_ format: Format) -> String {
        var text = ""
        for family in families { Self.write(family.name, family.help, family.value, format, to: &text) }
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    private static func write(
        _ name: String, _ help: String, _ value: Value, _ format: Format, to text: inout String
    ) {
        switch value {
        case .gauge(let samples):
            guard !samples.isEmpty else { return }
            head(name, help, "gauge", to: &text)
            for sample in samples { line(name, sample.labels, sample.value, to: &text) }
        case .counter(let samples):
            guard !samples.isEmpty else { return }
            // In the older format the family's name is that of its samples.
            head(format == .text ? name + "_total" : name, help, "counter", to: &text)
            for sample in samples { line(name + "_total", sample.labels, sample.value, to: &text) }
        case .histogram(let histogram):
            head(name, help, "histogram", to: &text)
            var total = 0
            for (bound, count) in zip(histogram.bounds, histogram.counts) {
                total += count
                line(name + "_bucket", [("le", number(bound))], Double(total), to: &text)
            }
            total += histogram.counts.dropFirst(histogram.bounds.count).reduce(0, +)
            line(name + "_bucket", [("le", "+Inf")], Double(total), to: &text)
            line(name + "_sum", [], histogram.sum, to: &text)
            line(name + "_count", [], Double(total), to: &text)
        }
    }

    private static func head(_ name: String, _ help: String, _ type: String, to text: inout String) {
        text += "# HELP \(name) \(escaped(help))\n# TYPE \(name) \(type)\n"
    }

    private static func line(
        _ name: String, _ labels: [(name: String, value: String)], _ value: Double, to text: inout String
    ) {
        text += name
        if !labels.isEmpty {
            text +=
                "{" + labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
        }
        text += " \(number(value))\n"
    }

    private static func escaped(_ text: String, quotes: Bool = false) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        // Whole numbers without a fraction, as far as a double is exact.
        return value.magnitude < 9e15 && value == value.rounded() ? String(Int64(value)) : value.description
    }
}
