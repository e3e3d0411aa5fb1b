internal import CDeflate

/// The CRC-32 of gzip (RFC 1952, section 8).
public enum CRC32 {
    /// The checksum of `bytes`. To continue over several buffers, pass the checksum so far as `previous`.
    public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        // Without an address the library returns its start value.
        guard let start = bytes.baseAddress else { return previous }
        return libdeflate_crc32(previous, start, bytes.count)
    }
}
