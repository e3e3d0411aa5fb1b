public import Basics
import Glibc

/// How a quantity varies from request to request: seconds of latency, or tokens of text.
public enum Distribution: Sendable, Hashable {
    case fixed(Double)
    /// exp(N(ln median, sigma)); its mean is median * exp(sigma^2 / 2).
    case lognormal(median: Double, sigma: Double)

    /// The expected value.
    public var mean: Double {
        switch self {
        case .fixed(let value): value
        case .lognormal(let median, let sigma): median * exp(sigma * sigma / 2)
        }
    }

    func sample(_ random: inout SplitMix64) -> Double {
        switch self {
        case .fixed(let value): return value
        case .lognormal(let median, let sigma):
            // Box and Muller's transform; 1 - unit() is never zero.
            let radius = sqrt(-2 * log(1 - random.unit()))
            return median * exp(sigma * radius * cos(2 * Double.pi * random.unit()))
        }
    }
}

extension Distribution {
    /// Reads a latency in seconds: `200ms`, `1.5s`, or `lognormal:200ms,0.5` (median, sigma).
    public static func latency(parsing text: String) throws(RetortError) -> Distribution {
        try parse(text, what: "latency", example: "200ms or lognormal:200ms,0.5") { DurationText.seconds($0) }
    }

    /// Reads a length in tokens: `150`, or `lognormal:130,0.5` (median, sigma).
    public static func tokens(parsing text: String) throws(RetortError) -> Distribution {
        try parse(text, what: "length", example: "150 or lognormal:130,0.5") { part in
            Double(part).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
        }
    }

    private static func parse(
        _ text: String, what: String, example: String, quantity: (Substring) -> Double?
    ) throws(RetortError) -> Distribution {
        let name = "lognormal:"
        func refuse(_ part: Substring) -> RetortError {
            RetortError(
                .configuration, "\"\(part)\" is not a \(what)", at: text == part ? nil : text,
                remedy: "Write it like \(example).")
        }
        guard text.hasPrefix(name) else {
            guard let value = quantity(text[...]) else { throw refuse(text[...]) }
            return .fixed(value)
        }
        let parts = text.dropFirst(name.count).split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw refuse(text[...]) }
        guard let median = quantity(parts[0]), median > 0 else { throw refuse(parts[0]) }
        guard let sigma = Double(parts[1]), sigma.isFinite, sigma >= 0 else {
            throw RetortError(
                .configuration, "\"\(parts[1])\" is not a sigma", at: text, remedy: "Write it like \(example).")
        }
        return .lognormal(median: median, sigma: sigma)
    }
}

/// Durations: a number and `us`, `ms`, `s`, `m` or `h`.
enum DurationText {
    private static let units: [(suffix: String, seconds: Double)] = [
        ("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600),
    ]

    /// The maximum duration: 30 years.
    static let secondsMax = 1e9

    /// The seconds of `text`; nil unless it is a number with a unit, from 0 to `secondsMax`. `0` needs no unit.
    static func seconds(_ text: Substring) -> Double? {
        if text == "0" { return 0 }
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }),
            let number = Double(text.dropLast(unit.suffix.count)), number >= 0, number * unit.seconds <= secondsMax
        else { return nil }
        return number * unit.seconds
    }
}
