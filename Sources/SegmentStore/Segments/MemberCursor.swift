import Basics

/// Reads a segment's members one after another, in large chunks, and verifies each.
struct MemberCursor: Sendable {
    private let reader: SegmentReader
    private let end: Int
    private var offset = 0
    private var buffer: [UInt8] = []
    private var bufferStart = 0

    /// `end` is the end of the segment's good blocks.
    init(_ reader: SegmentReader, end: Int) {
        self.reader = reader
        self.end = end
    }

    /// The next member, compressed; nil at the end. Throws `.damagedData` if it is damaged.
    mutating func next() throws(RetortError) -> (header: BlockHeader, member: ArraySlice<UInt8>)? {
        guard offset < end else { return nil }
        try fill(BlockHeader.bytes)
        let start = offset - bufferStart
        let header = buffer[start...].withUnsafeBytes { BlockHeader.decode($0) }
        guard let header, reader.belongs(header, at: offset), header.end <= end else {
            throw BlockCodec.damage("the block's header is damaged", reader.place(offset))
        }
        try fill(header.memberBytes)
        let member = buffer[(offset - bufferStart)...].prefix(header.memberBytes)
        guard member.withUnsafeBytes({ BlockCodec.payloadIsIntact($0, header: header) }) else {
            throw BlockCodec.damage("the block's checksum does not hold", reader.place(offset))
        }
        offset = header.end
        return (header, member)
    }

    /// Buffers at least `count` bytes from the offset on, as far as the segment has them.
    private mutating func fill(_ count: Int) throws(RetortError) {
        if offset + count <= bufferStart + buffer.count { return }
        let wanted = min(end - offset, max(count, StoreLimits.copyBufferBytes))
        buffer = try reader.file.read(at: offset, count: wanted)
        bufferStart = offset
    }
}
