import Basics

/// The gzip header of one block, with the store's own subfield (RFC 1952, section 2.3.1).
///
///     offset size  field
///          0    4  1f 8b 08 04       gzip, deflate, FLG = FEXTRA and nothing else
///          4    4  0                 MTIME
///          8    2  00 ff             XFL, OS unknown
///         10    2  76                XLEN; 144 where a second subfield follows this one (see BlockChecks)
///         12    2  "RT"              subfield id
///         14    2  72                subfield length
///         16    1  1                 version of this header
///         17    1  lane              0 responses, 1 failures, 2 rounds, 3 verdicts
///         18    2  records           records in the block
///         20    4  memberBytes       of the whole member, this header included
///         24    4  rawBytes          of the lines inside
///         28    4  previousBytes     of the member before it in the segment; 0 for the first
///         32    8  storeID
///         40    4  segment           number of the segment file
///         44    4  offset            of this member in the segment
///         48    8  firstSequence     of the first record, in its lane
///         56    8  durableBytes      of the segment known to be durable when this was written
///         64    8  payloadChecksum   XXH3-64 of everything behind this header
///         72    8  reserved          0
///         80    8  headerChecksum    XXH3-64 of bytes 0..<80
///         88    …  the second subfield, if there is one; deflate stream, then CRC32 and ISIZE of the lines
struct BlockHeader: Sendable, Hashable {
    static let bytes = 88
    static let trailerBytes = 8
    static let version: UInt8 = 1
    static let magic: [UInt8] = [0x1F, 0x8B, 0x08, 0x04]
    /// The bytes that all blocks of a segment share: the gzip header, version and lane, store and segment.
    static let fixedFields = [0..<18, 32..<44]

    var lane: Lane
    var records: Int
    var memberBytes: Int
    var rawBytes: Int
    var previousBytes: Int
    var storeID: UInt64
    var segment: UInt32
    var offset: Int
    var firstSequence: UInt64
    var durableBytes: Int
    var payloadChecksum: UInt64
    /// Whether checksums of its lines are between the header and the deflate stream.
    var hasChecks = false

    /// Offset of the deflate stream within the member.
    var payloadStart: Int { Self.bytes + (hasChecks ? BlockChecks.bytes : 0) }
    /// Offset of the deflate stream's end within the member.
    var payloadEnd: Int { memberBytes - Self.trailerBytes }
    var end: Int { offset + memberBytes }
    var nextSequence: UInt64 { firstSequence + UInt64(records) }

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.bytes.reserveCapacity(Self.bytes)
        writer.append(Self.magic)
        writer.append(UInt32(0))
        writer.append(UInt16(0xFF00))
        writer.append(UInt16(payloadStart - 12))
        writer.append([UInt8(ascii: "R"), UInt8(ascii: "T")])
        writer.append(UInt16(Self.bytes - 16))
        writer.append(Self.version)
        writer.append(lane.rawValue)
        writer.append(UInt16(records))
        writer.append(UInt32(memberBytes))
        writer.append(UInt32(rawBytes))
        writer.append(UInt32(previousBytes))
        writer.append(storeID)
        writer.append(segment)
        writer.append(UInt32(offset))
        writer.append(firstSequence)
        writer.append(UInt64(durableBytes))
        writer.append(payloadChecksum)
        writer.append(UInt64(0))
        writer.append(writer.bytes.withUnsafeBytes { ContentHash.hash64($0) })
        assert(writer.bytes.count == Self.bytes)
        return writer.bytes
    }

    /// Nil unless the bytes begin with a complete header with a correct checksum and possible values.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> BlockHeader? {
        guard bytes.count >= Self.bytes, bytes.prefix(4).elementsEqual(magic),
            bytes.load(littleEndianAt: 80, as: UInt64.self) == ContentHash.hash64(bytes.slice(0, 80)),
            bytes[16] == version, let lane = Lane(rawValue: bytes[17])
        else { return nil }
        let durableBytes: UInt64 = bytes.load(littleEndianAt: 56)
        guard durableBytes <= UInt64(StoreLimits.segmentBytesMax) else { return nil }
        let header = BlockHeader(
            lane: lane, records: Int(bytes.load(littleEndianAt: 18, as: UInt16.self)),
            memberBytes: Int(bytes.load(littleEndianAt: 20, as: UInt32.self)),
            rawBytes: Int(bytes.load(littleEndianAt: 24, as: UInt32.self)),
            previousBytes: Int(bytes.load(littleEndianAt: 28, as: UInt32.self)),
            storeID: bytes.load(littleEndianAt: 32), segment: bytes.load(littleEndianAt: 40),
            offset: Int(bytes.load(littleEndianAt: 44, as: UInt32.self)),
            firstSequence: bytes.load(littleEndianAt: 48), durableBytes: Int(durableBytes),
            payloadChecksum: bytes.load(littleEndianAt: 64),
            hasChecks: bytes.load(littleEndianAt: 10, as: UInt16.self) == UInt16(Self.bytes - 12 + BlockChecks.bytes))
        return header.isPossible ? header : nil
    }

    /// Whether the numbers are possible for a block: no sum of them overflows, and the lines are not larger than the
    /// stream can expand to, so that memory for them may be allocated.
    private var isPossible: Bool {
        let streamBytes = memberBytes - Self.trailerBytes - payloadStart
        return streamBytes > 0 && end <= StoreLimits.segmentBytesMax && records > 0 && rawBytes >= records
            && rawBytes <= StoreLimits.blockRawBytes + StoreLimits.lineBytesMax
            && rawBytes <= streamBytes * StoreLimits.deflateRatioMax
            && previousBytes <= offset && durableBytes <= offset && StoreLayout.isSegment(segment)
            && firstSequence <= StoreLimits.sequencesMax - UInt64(records)
    }
}
