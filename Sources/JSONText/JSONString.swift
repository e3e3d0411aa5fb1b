internal import Glibc

/// Encodes and decodes JSON strings.
public enum JSONString {
    private static let hexDigits: [UInt8] = Array("0123456789abcdef".utf8)

    /// Appends `bytes` as a quoted JSON string. Surrogates in generalised UTF-8 (WTF-8) become `\udXXX` escapes; other
    /// ill-formed bytes become U+FFFD, so the result is always valid JSON.
    public static func append(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        appendContent(bytes, to: &output)
        output.append(UInt8(ascii: "\""))
    }

    /// As above, but surrogates become U+FFFD too, so that the result can be represented in UTF-8.
    public static func appendText(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
        let start = output.count
        append(bytes, to: &output)
        guard hasLoneSurrogate(output[start...]) else { return }
        let token = Array(output[start...])
        output.removeLast(token.count)
        appendReplacingLoneSurrogates(token[...], to: &output)
    }

    /// Appends a string as a quoted JSON string.
    public static func append(_ text: String, to output: inout [UInt8]) {
        var text = text
        text.withUTF8 { append($0, to: &output) }
    }

    /// As above without the quotes.
    public static func appendContent(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { appendContent(buffer: $0, to: &output) }
        if done == nil { Array(bytes).withUnsafeBufferPointer { appendContent(buffer: $0, to: &output) } }
    }

    private static func appendContent(buffer: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        var at = 0
        var plainStart = 0
        func flush(_ output: inout [UInt8]) {
            if plainStart < at { output.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[plainStart..<at])) }
        }
        while true {
            at = endOfPlain(buffer, from: at)
            guard at < buffer.count else { break }
            let byte = buffer[at]
            if byte >= 0x80 {
                let length = wellFormedLength(buffer, at)
                if length > 0 {
                    at += length
                    continue
                }
                flush(&output)
                if let surrogate = surrogate(buffer, at) {
                    appendEscape(surrogate, to: &output)
                    at += 3
                } else {
                    output.append(contentsOf: [0xEF, 0xBF, 0xBD])
                    at += 1
                }
                plainStart = at
            } else {
                flush(&output)
                appendEscaped(ascii: byte, to: &output)
                at += 1
                plainStart = at
            }
        }
        flush(&output)
    }

    /// The offset of the first byte that is not ASCII or must be escaped: a control, a quote, a backslash. Looks at
    /// eight bytes at once, each by its high bit.
    private static func endOfPlain(_ buffer: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones << 7
        let bytes = UnsafeRawBufferPointer(buffer)
        var at = start
        while at + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let (quotes, backslashes) = (word ^ (ones * 0x22), word ^ (ones * 0x5C))
            // A borrow can only reach bytes behind one that is found.
            let zeros = (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
            let found = (zeros | (word &- ones * 0x20) & ~word | word) & highs
            if found != 0 { return at + found.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < bytes.count, bytes[at] < 0x80, bytes[at] >= 0x20, bytes[at] != 0x22, bytes[at] != 0x5C { at += 1 }
        return at
    }

    private static func appendEscaped(ascii byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x22, 0x5C: output.append(byte)
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        case 0x09: output.append(UInt8(ascii: "t"))
        default:
            output.removeLast()
            appendEscape(UInt16(byte), to: &output)
        }
    }

    private static func appendEscape(_ unit: UInt16, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        output.append(UInt8(ascii: "u"))
        for shift in [12, 8, 4, 0] as [UInt16] { output.append(hexDigits[Int(unit >> shift & 15)]) }
    }

    /// The length of the well-formed UTF-8 sequence at `at`, or 0 (Unicode 15, table 3-7).
    private static func wellFormedLength(_ buffer: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        func continues(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            at + offset < buffer.count && range.contains(buffer[at + offset])
        }
        switch buffer[at] {
        case 0xC2...0xDF: return continues(1) ? 2 : 0
        case 0xE0: return continues(1, 0xA0...0xBF) && continues(2) ? 3 : 0
        case 0xED: return continues(1, 0x80...0x9F) && continues(2) ? 3 : 0
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
        case 0xF0: return continues(1, 0x90...0xBF) && continues(2) && continues(3) ? 4 : 0
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
        case 0xF4: return continues(1, 0x80...0x8F) && continues(2) && continues(3) ? 4 : 0
        default: return 0
        }
    }

    private static func surrogate(_ buffer: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt16? {
        guard at + 2 < buffer.count, buffer[at] == 0xED, (0xA0...0xBF).contains(buffer[at + 1]),
            (0x80...0xBF).contains(buffer[at + 2])
        else { return nil }
        return 0xD000 | UInt16(buffer[at + 1] & 0x3F) << 6 | UInt16(buffer[at + 2] & 0x3F)
    }

    /// Whether a string as written, including quotes, contains only white space (space, tab, line feed, return).
    public static func isBlank(_ raw: ArraySlice<UInt8>) -> Bool {
        var at = raw.startIndex + 1
        while at < raw.endIndex - 1 {
            switch raw[at] {
            case 0x20: at += 1
            case UInt8(ascii: "\\") where "ntr".utf8.contains(raw[at + 1]): at += 2
            default: return false
            }
        }
        return true
    }

    /// Decodes the escapes of a string's content (without quotes), which must be valid JSON. Surrogate pairs become one
    /// scalar; unpaired surrogates become three bytes of WTF-8.
    public static func unescape(_ content: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(content.count)
        content.withUnsafeBufferPointer { appendUnescaped($0, to: &output) }
        return output
    }

    /// As above, appended to `output`.
    static func appendUnescaped(_ content: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        guard let base = content.baseAddress else { return }
        var at = 0
        while at < content.count {
            guard let found = memchr(base + at, 0x5C, content.count - at) else { break }
            let escape = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            output.append(contentsOf: UnsafeBufferPointer(rebasing: content[at..<escape]))
            at = appendEscaped(content, escape, to: &output)
        }
        output.append(contentsOf: UnsafeBufferPointer(rebasing: content[at...]))
    }

    /// Appends the meaning of the escape at `start`, and returns the offset after it.
    private static func appendEscaped(
        _ content: UnsafeBufferPointer<UInt8>, _ start: Int, to output: inout [UInt8]
    ) -> Int {
        let letter = content[start + 1]
        if letter != UInt8(ascii: "u") {
            output.append(unescaped(letter))
            return start + 2
        }
        var scalar = UInt32(hex4(content, start + 2))
        var at = start + 6
        if (0xD800...0xDBFF).contains(scalar), at + 6 <= content.count, content[at] == UInt8(ascii: "\\"),
            content[at + 1] == UInt8(ascii: "u")
        {
            let low = UInt32(hex4(content, at + 2))
            if (0xDC00...0xDFFF).contains(low) {
                scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                at += 6
            }
        }
        appendScalar(scalar, to: &output)
        return at
    }

    private static func unescaped(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: letter
        }
    }

    private static func hex4(_ content: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt16 {
        var unit: UInt16 = 0
        for byte in content[at..<at + 4] {
            let digit = byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x61 + 10
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    private static func appendScalar(_ scalar: UInt32, to output: inout [UInt8]) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | scalar >> shift & 0x3F) }
        switch scalar {
        case ..<0x80: output.append(UInt8(scalar))
        case ..<0x800: output.append(contentsOf: [UInt8(0xC0 | scalar >> 6), tail(0)])
        case ..<0x10000: output.append(contentsOf: [UInt8(0xE0 | scalar >> 12), tail(6), tail(0)])
        default: output.append(contentsOf: [UInt8(0xF0 | scalar >> 18), tail(12), tail(6), tail(0)])
        }
    }
}
