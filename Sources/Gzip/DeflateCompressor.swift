internal import CDeflate

/// Compresses whole buffers to raw deflate streams, without a gzip header or trailer. Reuses its tables from call to
/// call. Not thread-safe: use one compressor per thread.
public final class DeflateCompressor {
    /// 1 is the fastest, 12 the smallest; 6 is a good compromise.
    public static let levels = 1...12

    private let compressor: OpaquePointer
    private var scratch: UnsafeMutableRawBufferPointer

    /// A level outside `levels` is a programming error (traps).
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
