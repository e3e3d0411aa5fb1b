import Basics

/// Reads the blocks of one segment file, by offset or in order.
final class SegmentReader: Sendable {
    let lane: Lane
    let number: UInt32
    let file: any StoreFile
    private let storeID: UInt64

    /// Throws `.inputMissing` if there is no such segment.
    init(
        _ lane: Lane, _ number: UInt32, storeID: UInt64, layout: StoreLayout, files: any FileSystem
    ) throws(RetortError) {
        self.lane = lane
        self.number = number
        self.storeID = storeID
        file = try files.open(layout.segment(lane, number), .read)
    }

    func place(_ offset: Int) -> String { "\(file.path) at byte \(offset)" }

    /// The header of the block at `offset`; nil if there is none that belongs there.
    func header(at offset: Int) throws(RetortError) -> BlockHeader? {
        let bytes = try file.read(at: offset, count: BlockHeader.bytes)
        guard let header = bytes.withUnsafeBytes({ BlockHeader.decode($0) }), belongs(header, at: offset) else {
            return nil
        }
        return header
    }

    /// Whether a header was written for this very position: stale or copied bytes are not.
    func belongs(_ header: BlockHeader, at offset: Int) -> Bool {
        header.storeID == storeID && header.lane == lane && header.segment == number && header.offset == offset
    }

    /// Why the beginning of the file cannot have been written by this store to this segment; nil if it can, even as
    /// part of a block.
    func strangeness() throws(RetortError) -> String? {
        let bytes = try file.read(at: 0, count: BlockHeader.bytes)
        if let header = bytes.withUnsafeBytes({ BlockHeader.decode($0) }) {
            if header.storeID != storeID { return "the segment is of another store" }
            if header.lane != lane { return "the segment is one of the \(header.lane.directoryName)" }
            return belongs(header, at: 0) ? nil : "the segment is a copy of another one or of a part of it"
        }
        let own = BlockHeader(
            lane: lane, records: 0, memberBytes: 0, rawBytes: 0, previousBytes: 0, storeID: storeID, segment: number,
            offset: 0, firstSequence: 0, durableBytes: 0, payloadChecksum: 0
        ).encoded()
        let isTorn = BlockHeader.fixedFields.allSatisfy { field in
            field.allSatisfy { $0 >= bytes.count || bytes[$0] == own[$0] || bytes[$0] == 0 }
        }
        return isTorn ? nil : "the file is not a segment of this store"
    }

    /// The complete member of a header, compressed. Shorter only at the end of the file.
    func member(_ header: BlockHeader) throws(RetortError) -> [UInt8] {
        try file.read(at: header.offset, count: header.memberBytes)
    }

    /// The block at `offset`, verified and decompressed.
    func block(at offset: Int, codec: BlockCodec) throws(RetortError) -> Block {
        guard let header = try header(at: offset) else {
            throw BlockCodec.damage("there is no block where the index says", place(offset))
        }
        return try block(header, codec: codec)
    }

    func block(_ header: BlockHeader, codec: BlockCodec) throws(RetortError) -> Block {
        let bytes = try member(header)
        let place = place(header.offset)
        let result: Result<Block, RetortError> = bytes.withUnsafeBytes { buffer in
            do throws(RetortError) {
                return .success(try codec.decode(buffer, header: header, place: place))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Whether the block's payload matches its header, without decompressing it.
    func isIntact(_ header: BlockHeader) throws(RetortError) -> Bool {
        let bytes = try member(header)
        return bytes.withUnsafeBytes { BlockCodec.payloadIsIntact($0, header: header) }
    }

    /// The offset of the next block header that belongs at its position, searching from `start` up to `limit`.
    func nextHeader(from start: Int, limit: Int) throws(RetortError) -> Int? {
        let chunkBytes = 1 << 20
        var position = start
        while position < limit {
            let bytes = try file.read(at: position, count: min(chunkBytes + BlockHeader.bytes, limit - position))
            let found: Int? = bytes.withUnsafeBytes { buffer in
                var from = 0
                while let at = buffer.first(BlockHeader.magic[0], from: from), at + BlockHeader.bytes <= buffer.count {
                    if buffer[at + 1] == BlockHeader.magic[1],
                        let header = BlockHeader.decode(buffer.slice(at, buffer.count - at)),
                        belongs(header, at: position + at)
                    {
                        return position + at
                    }
                    from = at + 1
                }
                return nil
            }
            if let found { return found }
            if bytes.count < BlockHeader.bytes { return nil }
            position += max(1, bytes.count - BlockHeader.bytes + 1)
        }
        return nil
    }
}
