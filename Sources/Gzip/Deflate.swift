internal import CDeflate

/// Properties of raw deflate streams (RFC 1951).
public enum Deflate {
    /// Maximum bytes that one byte of a deflate stream can expand to: 258 bytes per two bits.
    public static let expansionMax = 1032

    /// Maximum compressed size of `rawLength` bytes, at any level.
    public static func bound(_ rawLength: Int) -> Int {
        libdeflate_deflate_compress_bound(nil, rawLength)
    }
}
