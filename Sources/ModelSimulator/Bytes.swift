import Basics

extension [UInt8] {
    /// Appends a literal unescaped.
    mutating func append(text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    /// Appends the decimal digits of a number.
    mutating func append(decimal value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = count
        repeat {
            append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        self[start...].reverse()
    }
}

extension [UInt8] {
    /// Appends the 16 hexadecimal digits of a number.
    mutating func append(hexadecimal value: UInt64) { Hexadecimal.append(value, to: &self) }
}

extension ArraySlice<UInt8> {
    /// The largest character boundary of UTF-8 that is not more than `offset` bytes from the start.
    func characterBoundary(atMost offset: Int) -> Int {
        guard offset < count else { return endIndex }
        var at = startIndex + Swift.max(offset, 0)
        while at > startIndex, self[at] & 0xC0 == 0x80 { at -= 1 }
        return at
    }
}
