internal import CZlib

/// The readable part of a raw deflate stream that may be damaged.
public struct PartialInflate {
    /// The bytes up to the end of the stream, to the first invalid code, or to the requested count. Damage that leaves
    /// a valid stream gives wrong bytes: only a checksum proves them.
    public let bytes: [UInt8]
    /// The compressed bytes that these were read from.
    public let consumed: Int

    /// Reads at most `count` bytes, and never more than the stream can expand to.
    public init(_ deflated: UnsafeRawBufferPointer, atMost count: Int) {
        let room = min(max(count, 0), deflated.count * Deflate.expansionMax, Int(UInt32.max))
        guard room > 0, let source = deflated.baseAddress else {
            (bytes, consumed) = ([], 0)
            return
        }
        // Heap-allocated, since zlib stores the address of its stream.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        // Without a wrapper, 15 bits of window.
        guard retort_inflate_init(stream, -15) == Z_OK else { fatalError("out of memory") }
        defer { inflateEnd(stream) }
        let given = min(deflated.count, Int(UInt32.max))
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(given)
        bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
            stream.pointee.next_out = buffer.baseAddress
            stream.pointee.avail_out = UInt32(room)
            _ = inflate(stream, Z_SYNC_FLUSH)
            initialized = room - Int(stream.pointee.avail_out)
        }
        consumed = given - Int(stream.pointee.avail_in)
    }
}
