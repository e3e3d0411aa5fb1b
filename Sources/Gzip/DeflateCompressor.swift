public import Basics
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

/// Compresses whole buffers to raw deflate streams, without a gzip header or trailer. Its tables are reused from call
/// to call. Not thread-safe: one compressor a thread.
public final class DeflateCompressor {
    /// 1 is the fastest, 12 the smallest; 6 is the middle.
    public static let levels = 1...12

    private let compressor: OpaquePointer
    private var scratch: UnsafeMutableRawBufferPointer

    /// Levels outside `levels` are a programmer's error.
    public init(level: Int) {
        precondition(DeflateCompressor.levels.contains(level), "deflate levels go from 1 to 12")
        guard let compressor = libdeflate_alloc_compressor(Int32(level)) else { fatalError("out of memory") }
        self.compressor = compressor
        scratch = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    deinit {
        libdeflate_free_compressor(compressor)
        scratch.deallocate()
    }

    /// Appends `raw` to `output` as one complete deflate stream.
    public func compress(_ raw: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        let bound = Deflate.bound(raw.count)
        if scratch.count < bound {
            scratch.deallocate()
            scratch = .allocate(byteCount: bound, alignment: 16)
        }
        let length = libdeflate_deflate_compress(compressor, raw.baseAddress, raw.count, scratch.baseAddress, bound)
        precondition(length > 0, "the bound of a deflate stream did not hold")
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: scratch[..<length]))
    }
}

/// Decompresses whole raw deflate streams of known length. Not thread-safe: one decompressor a thread.
public final class DeflateDecompressor {
    private let decompressor: OpaquePointer

    public init() {
        guard let decompressor = libdeflate_alloc_decompressor() else { fatalError("out of memory") }
        self.decompressor = decompressor
    }

    deinit { libdeflate_free_decompressor(decompressor) }

    /// The `rawLength` bytes that `deflated` stands for. Throws `.damagedData` when the stream is not legal, means
    /// more or fewer bytes, or ends before `deflated` does. The caller names the place.
    public func decompress(_ deflated: UnsafeRawBufferPointer, rawLength: Int) throws(RetortError) -> [UInt8] {
        // A damaged length must not become a huge allocation.
        guard rawLength >= 0, rawLength / Deflate.expansionMax <= deflated.count else {
            throw DeflateDecompressor.damaged("\(deflated.count) bytes cannot stand for \(rawLength)")
        }
        var consumed = 0
        var status = LIBDEFLATE_BAD_DATA
        let raw = [UInt8](unsafeUninitializedCapacity: rawLength) { buffer, initialized in
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
