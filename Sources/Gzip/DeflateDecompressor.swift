public import Basics
internal import CDeflate

/// Decompresses whole raw deflate streams of known length. Not thread-safe: use one decompressor per thread.
public final class DeflateDecompressor {
    private let decompressor: OpaquePointer

    public init() {
        guard let decompressor = libdeflate_alloc_decompressor() else { fatalError("out of memory") }
        self.decompressor = decompressor
    }

    deinit { libdeflate_free_decompressor(decompressor) }

    /// The `rawLength` bytes that `deflated` expands to. Throws `.damagedData` if the stream is not valid, expands to
    /// more or fewer bytes, or ends before `deflated` does. The caller adds the place.
    public func decompress(_ deflated: UnsafeRawBufferPointer, rawLength: Int) throws(RetortError) -> [UInt8] {
        // A damaged length must not become a huge allocation.
        guard rawLength >= 0, rawLength / Deflate.expansionMax <= deflated.count else {
            throw DeflateDecompressor.damaged("\(deflated.count) bytes cannot stand for \(rawLength)")
        }
        var consumed = 0
        var status = LIBDEFLATE_BAD_DATA
        let raw = [UInt8](unsafeUninitializedCapacity: max(rawLength, 1)) { buffer, initialized in
            // An empty array may have no address, which the library does not take.
            withUnsafeMutableBytes(of: &initialized) { spare in
                let target = buffer.baseAddress.map(UnsafeMutableRawPointer.init) ?? spare.baseAddress
                status = libdeflate_deflate_decompress_ex(
                    decompressor, deflated.baseAddress, deflated.count, target, rawLength, &consumed, nil)
            }
            initialized = status == LIBDEFLATE_SUCCESS ? rawLength : 0
        }
        switch status {
        case LIBDEFLATE_SUCCESS where consumed == deflated.count: return raw
        case LIBDEFLATE_SUCCESS:
            throw DeflateDecompressor.damaged("the stream ends after \(consumed) of \(deflated.count) bytes")
        case LIBDEFLATE_SHORT_OUTPUT:
            throw DeflateDecompressor.damaged("the stream holds fewer than \(rawLength) bytes")
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            throw DeflateDecompressor.damaged("the stream holds more than \(rawLength) bytes")
        default: throw DeflateDecompressor.damaged("the bytes are not a deflate stream")
        }
    }

    private static func damaged(_ cause: String) -> RetortError {
        RetortError(.damagedData, "compressed data does not decompress", cause: cause)
    }
}
