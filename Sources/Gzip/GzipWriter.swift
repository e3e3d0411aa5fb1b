public import Basics
internal import CZlib

/// Writes one gzip member as a stream, for readers that stop at the first member. Memory stays constant. The header
/// holds neither name nor time, so equal input gives equal bytes. Not thread-safe.
public final class GzipWriter {
    /// Takes compressed bytes; they are valid during the call only.
    public typealias Sink = (UnsafeRawBufferPointer) throws(RetortError) -> Void

    /// 1 is the fastest, 9 the smallest; gzip's own is 6.
    public static let levels = 1...9

    /// The largest piece handed to the sink.
    public static let chunkBytes = 64 * 1024

    private let stream: UnsafeMutablePointer<z_stream>
    private let output: UnsafeMutableRawBufferPointer
    private let sink: Sink
    private var finished = false

    /// Levels outside `levels` are a programmer's error.
    public init(level: Int = 6, sink: @escaping Sink) {
        precondition(GzipWriter.levels.contains(level), "gzip levels go from 1 to 9")
        self.sink = sink
        output = .allocate(byteCount: GzipWriter.chunkBytes, alignment: 16)
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for the gzip wrapper.
        guard retort_deflate_init(stream, Int32(level), 15 + 16) == Z_OK else { fatalError("out of memory") }
        freshOutput()
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    /// Compresses `bytes`. Throws what the sink throws; the file is then incomplete and must be abandoned.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(RetortError) {
        precondition(!finished, "write after finish")
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(UInt32.max)))
            rest = rest.dropFirst(piece.count)
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: piece.baseAddress!.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(piece.count)
            while stream.pointee.avail_in > 0 {
                deflate(stream, Z_NO_FLUSH)
                if stream.pointee.avail_out == 0 { try drain() }
            }
        }
    }

    /// Compresses `bytes`. Throws what the sink throws.
    public func write(_ bytes: [UInt8]) throws(RetortError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(RetortError) in try write(UnsafeRawBufferPointer(buffer)) }
    }

    /// Writes the remaining bytes and the trailer. Must be called once at the end; further calls do nothing.
    public func finish() throws(RetortError) {
        guard !finished else { return }
        finished = true
        stream.pointee.next_in = nil
        stream.pointee.avail_in = 0
        while deflate(stream, Z_FINISH) != Z_STREAM_END { try drain() }
        try drain()
    }

    private func drain() throws(RetortError) {
        let count = output.count - Int(stream.pointee.avail_out)
        if count > 0 { try sink(UnsafeRawBufferPointer(rebasing: output[..<count])) }
        freshOutput()
    }

    private func freshOutput() {
        stream.pointee.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output.count)
    }
}
