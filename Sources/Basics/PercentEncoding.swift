/// Percent-encoding of bytes (RFC 3986, 2.1): `%` and two upper-case digits.
public enum PercentEncoding {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Appends one byte's encoding.
    public static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "%"))
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
    }

    /// The text of `bytes`, with each byte encoded for which `isPlain` is false.
    public static func text(of bytes: some Sequence<UInt8>, keeping isPlain: (UInt8) -> Bool) -> String {
        var written: [UInt8] = []
        for byte in bytes {
            if isPlain(byte) { written.append(byte) } else { append(byte, to: &written) }
        }
        return String(decoding: written, as: UTF8.self)
    }

    /// Whether a byte needs no encoding anywhere in a URL (RFC 3986, 2.3).
    public static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~".utf8.contains(byte)
        }
    }
}
