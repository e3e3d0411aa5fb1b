public import Basics

extension OptionValue {
    static func parseInteger(_ text: String, in range: ClosedRange<Int>) throws(ValueError) -> Int {
        guard let value = Int(text) else {
            let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
            let isTooBig = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
            if isTooBig { throw outOfRange(text, String(range.lowerBound), String(range.upperBound)) }
            throw ValueError("\(quoted(text)) is not an integer")
        }
        guard range.contains(value) else {
            throw outOfRange(text, String(range.lowerBound), String(range.upperBound))
        }
        return value
    }

    static func parseNumber(_ text: String, in range: ClosedRange<Double>) throws(ValueError) -> Double {
        let isDecimal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
        guard isDecimal, let value = Double(text) else { throw ValueError("\(quoted(text)) is not a number") }
        guard range.contains(value) else {
            throw outOfRange(text, plain(range.lowerBound), plain(range.upperBound))
        }
        return value
    }

    /// Units as in GNU coreutils: `K` and `KiB` are 1024, `KB` is 1000; case is ignored.
    static func parseSize(_ text: String, in range: ClosedRange<Int>) throws(ValueError) -> Int {
        guard let (number, unit) = split(text), let factor = sizeUnits[unit.lowercased()] else {
            throw ValueError("\(quoted(text)) is not a size such as 4096, 128K, 1GiB or 1GB")
        }
        let value: Int?
        if let whole = Int(number) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
            value = overflow ? nil : product
        } else {
            value = Double(number).flatMap { Int(exactly: ($0 * Double(factor)).rounded()) }
        }
        guard let value, range.contains(value) else {
            throw outOfRange(text, Human.bytes(range.lowerBound), Human.bytes(range.upperBound))
        }
        return value
    }

    /// One or more numbers with units, the largest unit first: `1h30m`. Only 0 needs no unit.
    static func parseDuration(_ text: String, in range: ClosedRange<Interval>) throws(ValueError) -> Interval {
        var rest = text[...]
        var total = 0.0
        var exactTotal: Int64? = 0
        var unitBefore = Int64.max
        while !rest.isEmpty {
            guard let (number, unit, after) = prefix(of: rest) else { throw notADuration(text) }
            if unit.isEmpty && text == "0" { break }
            if unit.isEmpty && number.count == text.count {
                throw ValueError("\(quoted(text)) has no unit; write \(text)s or \(text)ms")
            }
            guard let factor = DurationText.units.first(where: { $0.name == unit })?.nanoseconds, factor < unitBefore
            else { throw notADuration(text) }
            unitBefore = factor
            total += (Double(number) ?? 0) * Double(factor)
            exactTotal = exactSum(exactTotal, number, factor)
            rest = after
        }
        if text.isEmpty { throw notADuration(text) }
        let nanoseconds = exactTotal ?? Int64(exactly: total.rounded())
        guard let nanoseconds, range.contains(Interval(nanoseconds: nanoseconds)) else {
            throw outOfRange(text, DurationText.exact(range.lowerBound), DurationText.exact(range.upperBound))
        }
        return Interval(nanoseconds: nanoseconds)
    }

    /// `sum + number * factor` in integers; nil if the number has a fraction or the result does not fit.
    private static func exactSum(_ sum: Int64?, _ number: Substring, _ factor: Int64) -> Int64? {
        guard let sum, let count = Int64(number) else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        let (result, carry) = sum.addingReportingOverflow(product)
        return overflow || carry ? nil : result
    }

    private static func notADuration(_ text: String) -> ValueError {
        ValueError("\(quoted(text)) is not a duration such as 200ms, 30s, 5m or 1h30m")
    }

    private static func outOfRange(_ text: String, _ low: String, _ high: String) -> ValueError {
        if high == String(Int.max) || high == "inf" {
            return ValueError("\(quoted(text)) is out of range: at least \(low)")
        }
        return ValueError("\(quoted(text)) is out of range: \(low) to \(high)")
    }

    /// A bound without a superfluous `.0`.
    private static func plain(_ bound: Double) -> String {
        Int(exactly: bound).map(String.init) ?? bound.description
    }

    private static func split(_ text: String) -> (number: Substring, unit: Substring)? {
        guard let (number, unit, after) = prefix(of: text[...]), after.isEmpty else { return nil }
        return (number, unit)
    }

    /// A number without sign, the letters after it, and the rest; nil if there is no number at the start.
    private static func prefix(of text: Substring) -> (number: Substring, unit: Substring, after: Substring)? {
        let number = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        guard !number.isEmpty, Double(number) != nil else { return nil }
        let rest = text[number.endIndex...]
        let unit = rest.prefix { $0.isLetter }
        return (number, unit, rest[unit.endIndex...])
    }

    private static let sizeUnits: [String: Int] = {
        var units = ["": 1, "b": 1]
        for (power, letter) in "kmgt".enumerated() {
            let binary = 1 << (10 * (power + 1))
            units["\(letter)"] = binary
            units["\(letter)ib"] = binary
            units["\(letter)b"] = repeatElement(1000, count: power + 1).reduce(1, *)
        }
        return units
    }()
}

/// Durations as option text.
public enum DurationText {
    /// The interval of a text such as `2h` or `1h30m`; nil if it is invalid.
    public static func interval(_ text: String) -> Interval? {
        try? OptionValue.parseDuration(text, in: Interval(nanoseconds: 1) ... .longest)
    }

    static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
    ]

    /// The interval in the largest unit that represents it exactly: `90s`, `1500ms`.
    static func exact(_ interval: Interval) -> String {
        let nanoseconds = interval.nanoseconds
        if nanoseconds == 0 { return "0s" }
        let unit = units.first { nanoseconds % $0.nanoseconds == 0 } ?? units[units.count - 1]
        return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
    }
}
