internal import Basics

/// Compares a program's output with the expected one. The amount of white space is ignored; decimal fractions may
/// differ slightly.
enum OutputComparison {
    /// For numbers written with a decimal point: absolute, or relative to the expected number.
    static let tolerance = 1e-6

    static func isEqual(_ given: [UInt8], _ expected: [UInt8]) -> Bool {
        var given = Tokens(given)
        var expected = Tokens(expected)
        while true {
            switch (given.next(), expected.next()) {
            case (nil, nil): return true
            case (let a?, let b?): guard a.elementsEqual(b) || isClose(a, b) else { return false }
            default: return false
            }
        }
    }

    private static func isClose(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Bool {
        guard a.count <= 64, b.count <= 64, isFraction(a) || isFraction(b),
            let x = Double(String(decoding: a, as: UTF8.self)), let y = Double(String(decoding: b, as: UTF8.self)),
            x.isFinite, y.isFinite
        else { return false }
        return abs(x - y) <= tolerance * max(1, abs(y))
    }

    private static func isFraction(_ token: ArraySlice<UInt8>) -> Bool {
        token.contains(UInt8(ascii: ".")) && token.allSatisfy { $0 &- 0x30 < 10 || "+-.eE".utf8.contains($0) }
    }

    private struct Tokens {
        private let text: [UInt8]
        private var at = 0

        init(_ text: [UInt8]) { self.text = text }

        mutating func next() -> ArraySlice<UInt8>? {
            while at < text.count, text[at] <= 0x20 { at += 1 }
            let start = at
            while at < text.count, text[at] > 0x20 { at += 1 }
            return start < at ? text[start..<at] : nil
        }
    }
}
