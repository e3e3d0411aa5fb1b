public import Basics

/// Quantities for display. Pure functions, independent of the locale: `,` groups digits, `.` is the decimal point.
public enum Human {
    /// `1,234,567`.
    public static func count(_ value: Int) -> String {
        let digits = Array(String(value.magnitude).utf8)
        var grouped: [UInt8] = value < 0 ? [UInt8(ascii: "-")] : []
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index) % 3 == 0 { grouped.append(UInt8(ascii: ",")) }
            grouped.append(digit)
        }
        return String(decoding: grouped, as: UTF8.self)
    }

    /// `1 segment`, `1,234 segments`.
    public static func plural(_ count: Int, _ noun: String) -> String {
        "\(Self.count(count)) \(noun)\(count == 1 ? "" : "s")"
    }

    /// `950`, `12.3k`, `4.56M`: three digits.
    public static func compact(_ value: Double) -> String {
        let (scaled, unit) = scale(value, by: 1000, units: ["", "k", "M", "G", "T"])
        return unit.isEmpty && scaled == scaled.rounded() ? fixed(scaled, 0) : threeDigits(scaled) + unit
    }

    /// `17 B`, `1.50 KiB`, `128 KiB`.
    public static func bytes(_ value: Int) -> String {
        let (scaled, unit) = scale(Double(value), by: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
        return (scaled == scaled.rounded() ? fixed(scaled, 0) : threeDigits(scaled)) + " " + unit
    }

    /// `850ms`, `45s`, `3m05s`, `1h02m`, `2d04h`: the two largest units, rounded to the smaller one.
    public static func duration(_ interval: Interval) -> String {
        if interval < .zero { return "-" + duration(Interval(nanoseconds: 0 &- interval.nanoseconds)) }
        if interval.nanoseconds < 999_500_000 {
            return interval.nanoseconds == 0 ? "0s" : "\((interval.nanoseconds + 500_000) / 1_000_000)ms"
        }
        let seconds =
            interval.nanoseconds / 1_000_000_000 + (interval.nanoseconds % 1_000_000_000 + 500_000_000) / 1_000_000_000
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3600 { return "\(seconds / 60)m\(twoDigits(seconds % 60))s" }
        let minutes = (seconds + 30) / 60
        if minutes < 24 * 60 { return "\(minutes / 60)h\(twoDigits(minutes % 60))m" }
        let hours = (minutes + 30) / 60
        return "\(hours / 24)d\(twoDigits(hours % 24))h"
    }

    /// `1,234/s`, `12.3/s`, `0.52/s`.
    public static func rate(_ perSecond: Double) -> String {
        if perSecond >= 999.5, let whole = Int(exactly: perSecond.rounded()) { return count(whole) + "/s" }
        return threeDigits(perSecond) + "/s"
    }

    /// `$1,234.50`, `$4.56`; small amounts have two significant digits: `$0.0012`.
    public static func dollars(_ value: Double) -> String {
        if value < 0 { return "-" + dollars(-value) }
        if value == 0 || value >= 0.1 || !value.isFinite {
            let text = fixed(value, 2)
            guard let point = text.firstIndex(of: "."), let whole = Int(text[..<point]) else { return "$" + text }
            return "$" + count(whole) + text[point...]
        }
        var decimals = 3
        var scaled = value * 100
        while scaled < 1 && decimals < 6 {
            scaled *= 10
            decimals += 1
        }
        return "$" + fixed(value, decimals)
    }

    /// `45.3%` for `part` of `whole`, rounded; 100.0% only if it is all. `-` if `whole` is 0.
    public static func percent(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "-" }
        let (product, overflow) = part.multipliedReportingOverflow(by: 1000)
        let rounded = overflow ? nil : product.addingReportingOverflow(part < 0 ? -(whole / 2) : whole / 2)
        var tenths = rounded.flatMap { $0.overflow ? nil : $0.partialValue / whole } ?? largePercent(part, whole)
        // Less than all is never shown as 100%.
        if part < whole, tenths >= 1000 { tenths = 999 }
        return "\(tenths / 10).\(abs(tenths % 10))%"
    }

    private static func largePercent(_ part: Int, _ whole: Int) -> Int {
        Int(exactly: (Double(part) / Double(whole) * 1000).rounded()) ?? 0
    }

    /// `value` with that many decimals, rounded; `nan`, `inf` and values beyond 2^53 as Swift writes them.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        let power = repeatElement(10, count: decimals).reduce(1, *)
        let scaled = (value.magnitude * Double(power)).rounded()
        guard scaled.isFinite, scaled < 9_007_199_254_740_992 else { return value.description }
        let units = Int(scaled)
        let sign = value < 0 && units > 0 ? "-" : ""
        if decimals == 0 { return sign + String(units) }
        let fraction = String(units % power)
        return sign + "\(units / power)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }

    private static func threeDigits(_ value: Double) -> String {
        switch value.magnitude {
        case ..<9.995: fixed(value, 2)
        case ..<99.95: fixed(value, 1)
        default: fixed(value, 0)
        }
    }

    private static func twoDigits(_ value: Int64) -> String { value < 10 ? "0\(value)" : String(value) }

    /// The value in the largest unit in which it is at least 1, with three digits.
    private static func scale(_ value: Double, by step: Double, units: [String]) -> (Double, String) {
        var value = value
        var index = 0
        while value.magnitude >= step - 0.5 && index + 1 < units.count {
            value /= step
            index += 1
        }
        return (value, units[index])
    }
}
