internal import Basics
internal import COpenSSL

/// A SHA-256 hash. Unlike the store's checksums it also protects against deliberate changes.
public struct SHA256Digest: Sendable, Hashable, CustomStringConvertible {
    public static let byteCount = 32
    /// Always `byteCount` bytes.
    public let bytes: [UInt8]

    /// The hash of `prefix` followed by the parts.
    init(prefix: UInt8? = nil, of parts: UnsafeRawBufferPointer...) {
        var input: [UInt8] = []
        input.reserveCapacity(1 + parts.reduce(0) { $0 + $1.count })
        if let prefix { input.append(prefix) }
        for part in parts { input.append(contentsOf: part) }
        bytes = [UInt8](unsafeUninitializedCapacity: Self.byteCount) { output, count in
            _ = SHA256(input, input.count, output.baseAddress)
            count = Self.byteCount
        }
    }

    /// 64 hexadecimal digits, in lower case.
    public var description: String {
        var text = ""
        for start in stride(from: 0, to: Self.byteCount, by: 8) {
            text += Hexadecimal.string(bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) })
        }
        return text
    }

    /// Nil unless the text is 64 hexadecimal digits.
    public init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 2 * Self.byteCount else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 16) {
            guard let word = Hexadecimal.parse(digits[start..<start + 16]) else { return nil }
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        self.bytes = bytes
    }
}
