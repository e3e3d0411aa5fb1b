import Basics
import CommandLine

/// The unit of a distribution's whole numbers, and how it is displayed.
package enum Quantity: Sendable {
    case milliseconds
    case tokens
    case nanodollars

    /// A value in full: `1.25s`, `1,234`, `$0.0012`.
    package func text(_ value: Double) -> String {
        switch self {
        case .milliseconds: Self.duration(milliseconds: value)
        case .tokens: Human.count(Int(exactly: value.rounded()) ?? .max)
        case .nanodollars: Human.dollars(value * 1e-9)
        }
    }

    /// The short form for an axis.
    package func tick(_ value: Double) -> String {
        switch self {
        case .milliseconds: Self.duration(milliseconds: value)
        case .tokens: Self.compact(value)
        case .nanodollars: Human.dollars(value * 1e-9)
        }
    }

    package func text(_ value: Int?) -> String { value.map { text(Double($0)) } ?? "-" }

    /// Three digits below a minute: `0ms`, `12.5ms`, `850ms`, `1.25s`; above that as `Human.duration`.
    package static func duration(milliseconds value: Double) -> String {
        if value < 1000 { return trimmed(value, value < 10 ? 2 : value < 100 ? 1 : 0) + "ms" }
        if value < 60_000 { return trimmed(value / 1000, value < 10_000 ? 2 : 1) + "s" }
        return duration(seconds: value / 1000)
    }

    /// As `Human.duration`, also for more than an `Interval` can hold.
    package static func duration(seconds: Double) -> String { Human.duration(.seconds(min(seconds, 9e9))) }

    /// Without trailing zeros.
    package static func trimmed(_ value: Double, _ decimals: Int) -> String {
        var text = Human.fixed(value, decimals)
        guard text.contains(".") else { return text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// `950`, `12.3k`, `5M`: as `Human.compact`, without trailing zeros.
    package static func compact(_ value: Double) -> String {
        let text = Human.compact(value)
        guard let unit = text.last, unit.isLetter, let number = Double(text.dropLast()) else { return text }
        return trimmed(number, 2) + String(unit)
    }

    /// A rate on an axis or in a tooltip: `0.5`, `12.5`, `1,234`.
    package static func rate(_ value: Double) -> String {
        value >= 1000 ? compact(value) : trimmed(value, value < 10 ? 2 : value < 100 ? 1 : 0)
    }
}
