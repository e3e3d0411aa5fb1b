/// The final number of a text.
struct FinalNumber: Hashable, Sendable {
    /// A plain decimal without redundant zeros: `-12.5`. Nil for fractions and exponents.
    private(set) var decimal: String?
    private(set) var double: Double

    /// How many bytes at a text's end are searched for a number.
    static let bytesMax = 64 << 10
    /// Maximum digits of a number; a longer one is ignored.
    static let digitsMax = 400
    /// Fractions and numbers with exponents are equal if they differ by less than this, relative to the larger one.
    static let toleranceRelative = 1e-9

    init?(in text: [UInt8]) {
        let text = Array(text.suffix(Self.bytesMax))
        if let boxed = Self.lastBoxed(text), let number = Self.last(in: boxed) {
            self = number
        } else if let marked = Self.behindMark(text), let number = Self.first(in: marked) {
            self = number
        } else if let number = Self.last(in: text) {
            self = number
        } else {
            return nil
        }
    }

    private init(decimal: String?, double: Double) {
        self.decimal = decimal
        self.double = double
    }

    func equals(_ other: FinalNumber) -> Bool {
        if let decimal, let theirs = other.decimal { return decimal == theirs }
        let size = max(abs(double), abs(other.double))
        return abs(double - other.double) <= size * Self.toleranceRelative
    }

    // MARK: Where it is

    /// The content of the last `\boxed{...}`, with matching braces.
    private static func lastBoxed(_ text: [UInt8]) -> [UInt8]? {
        guard let start = lastRange(of: #"\boxed{"#, in: text)?.upperBound else { return nil }
        var depth = 1
        for place in start..<text.count {
            if text[place] == UInt8(ascii: "{") { depth += 1 }
            if text[place] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return Array(text[start..<place]) }
        }
        return nil
    }

    /// The rest of the line after the last `####`.
    private static func behindMark(_ text: [UInt8]) -> [UInt8]? {
        lastRange(of: "####", in: text).map { Array(text[$0.upperBound...].prefix { $0 != 0x0A }) }
    }

    private static func lastRange(of mark: String, in text: [UInt8]) -> Range<Int>? {
        let mark = Array(mark.utf8)
        guard text.count >= mark.count else { return nil }
        for start in stride(from: text.count - mark.count, through: 0, by: -1)
        where text[start] == mark[0] && text[start..<start + mark.count].elementsEqual(mark) {
            return start..<start + mark.count
        }
        return nil
    }

    private static func last(in text: [UInt8]) -> FinalNumber? { numbers(in: text).last }
    private static func first(in text: [UInt8]) -> FinalNumber? { numbers(in: text).first }

    // MARK: What it is

    /// All numbers of a text, in order. `\frac{a}{b}` and `a/b` count as one number.
    private static func numbers(in text: [UInt8]) -> [FinalNumber] {
        var found: [FinalNumber] = []
        var scanner = NumberScanner(text)
        while let number = scanner.next() { found.append(number) }
        return found
    }

    static func plain(_ digits: String, isNegative: Bool) -> FinalNumber? {
        guard digits.utf8.count <= digitsMax, let double = Double(digits), double.isFinite else { return nil }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        let whole = parts[0].drop { $0 == "0" }
        var fraction = parts.count > 1 ? parts[1] : ""
        while fraction.last == "0" { fraction.removeLast() }
        let text = (whole.isEmpty ? "0" : String(whole)) + (fraction.isEmpty ? "" : ".\(fraction)")
        let isMinus = isNegative && text != "0"
        return FinalNumber(decimal: isMinus ? "-\(text)" : text, double: isMinus ? -double : double)
    }

    static func inexact(_ double: Double) -> FinalNumber? {
        double.isFinite ? FinalNumber(decimal: nil, double: double) : nil
    }
}

/// Finds numbers in a text as people and models write them: `1,234.5`, `$-3`, `6e23`, `3/4`, `\frac{3}{4}`.
private struct NumberScanner {
    private let text: [UInt8]
    private var at = 0

    init(_ text: [UInt8]) { self.text = text }

    mutating func next() -> FinalNumber? {
        while at < text.count {
            if let fraction = texFraction() { return fraction }
            // A truncated fraction may have moved the scanner to the end.
            guard at < text.count else { return nil }
            guard isDigit(at) || (text[at] == UInt8(ascii: ".") && isDigit(at + 1)) else {
                at += 1
                continue
            }
            if let number = number() { return number }
        }
        return nil
    }

    private func byte(_ place: Int) -> UInt8 { place >= 0 && place < text.count ? text[place] : 0 }
    private func isDigit(_ place: Int) -> Bool { byte(place) &- 0x30 < 10 }

    /// Whether a minus sign precedes the number at `start`, with or without a currency sign between. A sign between
    /// words or numbers does not count.
    private func isNegative(_ start: Int) -> Bool {
        var place = start - 1
        while byte(place) == UInt8(ascii: "$") || byte(place) == UInt8(ascii: "\\") { place -= 1 }
        guard byte(place) == UInt8(ascii: "-") else {
            // U+2212, the minus sign.
            return byte(place) == 0x92 && byte(place - 1) == 0x88 && byte(place - 2) == 0xE2
        }
        let before = byte(place - 1)
        return !((before | 0x20) &- 0x61 < 26 || before &- 0x30 < 10 || before == UInt8(ascii: ")"))
    }

    private mutating func number() -> FinalNumber? {
        let start = at
        let isNegative = isNegative(start)
        var digits = digitsAndCommas()
        if byte(at) == UInt8(ascii: "."), isDigit(at + 1) {
            at += 1
            digits += "." + run()
        }
        if digits.hasPrefix(".") { digits = "0" + digits }
        guard let plain = FinalNumber.plain(digits, isNegative: isNegative) else { return nil }
        if let power = exponent() {
            return Double("\(digits)e\(power)").flatMap { FinalNumber.inexact(isNegative ? -$0 : $0) }
        }
        if byte(at) == UInt8(ascii: "/"), isDigit(at + 1) {
            at += 1
            let below = Double(run()) ?? 0
            return below == 0 ? plain : FinalNumber.inexact(plain.double / below)
        }
        return plain
    }

    private mutating func run() -> String {
        let start = at
        while isDigit(at) { at += 1 }
        return String(decoding: text[start..<at], as: UTF8.self)
    }

    /// A comma counts if exactly three digits follow it.
    private mutating func digitsAndCommas() -> String {
        var digits = run()
        while !digits.isEmpty, byte(at) == UInt8(ascii: ","), isDigit(at + 1), isDigit(at + 2),
            isDigit(at + 3), !isDigit(at + 4)
        {
            at += 1
            digits += run()
        }
        return digits
    }

    private mutating func exponent() -> String? {
        guard byte(at) | 0x20 == UInt8(ascii: "e") else { return nil }
        var place = at + 1
        if byte(place) == UInt8(ascii: "-") || byte(place) == UInt8(ascii: "+") { place += 1 }
        guard isDigit(place) else { return nil }
        let start = at + 1
        at = place
        _ = run()
        return String(decoding: text[start..<at], as: UTF8.self)
    }

    /// `\frac{a}{b}`, `\dfrac`, `\tfrac` of plain numbers.
    private mutating func texFraction() -> FinalNumber? {
        guard byte(at) == UInt8(ascii: "\\") else { return nil }
        for word in [#"\frac{"#, #"\dfrac{"#, #"\tfrac{"#] {
            let word = Array(word.utf8)
            guard text[at...].starts(with: word) else { continue }
            let start = at
            at += word.count
            let isInnerNegative = byte(at) == UInt8(ascii: "-")
            if isInnerNegative { at += 1 }
            let above = Double(run())
            guard byte(at) == UInt8(ascii: "}"), byte(at + 1) == UInt8(ascii: "{"), let above else {
                at = start + word.count
                return nil
            }
            at += 2
            guard let below = Double(run()), below != 0, byte(at) == UInt8(ascii: "}") else { return nil }
            let value = above / below
            return FinalNumber.inexact(isInnerNegative != isNegative(start) ? -value : value)
        }
        return nil
    }
}
