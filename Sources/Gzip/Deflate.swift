internal import CDeflate

/// What raw deflate streams (RFC 1951) have in common.
public enum Deflate {
    /// The most that one byte of a deflate stream can stand for: 258 bytes per two bits.
    public static let expansionMax = 1032

    /// The most bytes that `rawLength` bytes can take once compressed, at any level.
    public static func bound(_ rawLength: Int) -> Int {
        libdeflate_deflate_compress_bound(nil, rawLength)
    }
}
