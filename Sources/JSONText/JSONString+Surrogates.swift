internal import Glibc

/// Unpaired surrogates: valid in RFC 8259, but not representable in UTF-8, so that strict readers reject a whole file
/// for one of them.
extension JSONString {
    /// Whether a JSON text contains the escape of an unpaired surrogate.
    public static func hasLoneSurrogate(_ json: ArraySlice<UInt8>) -> Bool {
        json.withUnsafeBufferPointer { firstLoneSurrogate(in: $0, from: 0) != nil }
    }

    /// Appends a JSON text with each unpaired surrogate replaced by U+FFFD. Returns the number of replacements.
    @discardableResult
    public static func appendReplacingLoneSurrogates(_ json: ArraySlice<UInt8>, to output: inout [UInt8]) -> Int {
        json.withUnsafeBufferPointer { buffer in
            var count = 0
            var at = 0
            while let found = firstLoneSurrogate(in: buffer, from: at) {
                output.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[at..<found]))
                output.append(contentsOf: [0xEF, 0xBF, 0xBD])
                at = found + escapeBytes
                count += 1
            }
            output.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[at...]))
            return count
        }
    }

    /// Of `\uXXXX`.
    private static let escapeBytes = 6

    /// The first unpaired surrogate's escape at or after `start`, which must not be inside an escape.
    private static func firstLoneSurrogate(in buffer: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard let base = buffer.baseAddress else { return nil }
        var at = start
        while at < buffer.count, let hit = memchr(base + at, 0x5C, buffer.count - at) {
            at = UnsafeRawPointer(hit) - UnsafeRawPointer(base)
            guard let unit = surrogate(buffer, escapedAt: at) else {
                at += 2
                continue
            }
            guard unit < 0xDC00, let low = surrogate(buffer, escapedAt: at + escapeBytes), low >= 0xDC00 else {
                return at
            }
            at += 2 * escapeBytes
        }
        return nil
    }

    /// The surrogate whose escape is at this position; nil if there is another escape or none.
    private static func surrogate(_ buffer: UnsafeBufferPointer<UInt8>, escapedAt at: Int) -> UInt16? {
        guard at + escapeBytes <= buffer.count, buffer[at] == 0x5C, buffer[at + 1] == UInt8(ascii: "u"),
            buffer[at + 2] | 0x20 == UInt8(ascii: "d"), let second = hexadecimal(buffer[at + 3]), second >= 8
        else { return nil }
        return 0xD000 | second << 8
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt16? {
        switch byte {
        case 0x30...0x39: UInt16(byte - 0x30)
        case 0x41...0x46, 0x61...0x66: UInt16((byte | 0x20) - 0x61 + 10)
        default: nil
        }
    }
}
