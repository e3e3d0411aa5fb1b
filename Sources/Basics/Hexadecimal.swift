/// Lower-case hexadecimal of fixed width, as used in records, file names and the journal.
public enum Hexadecimal {
    /// Appends the 16 digits of `value`.
    public static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { digits in
            for place in 0..<16 {
                digits[place] = digit(UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * place)) & 15)
            }
            bytes.append(contentsOf: UnsafeBufferPointer(digits))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
    }

    /// The 16 digits of `value`.
    public static func string(_ value: UInt64) -> String {
        var bytes: [UInt8] = []
        append(value, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads exactly 16 digits; nil if any is not a lower-case hexadecimal digit.
    @inlinable
    public static func parse(_ bytes: some Collection<UInt8>) -> UInt64? {
        guard bytes.count == 16 else { return nil }
        var value: UInt64 = 0
        for byte in bytes {
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt64(byte - 0x30)
            case 0x61...0x66: value = value << 4 | UInt64(byte - 0x61 + 10)
            default: return nil
            }
        }
        return value
    }
}
