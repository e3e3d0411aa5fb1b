import Basics

/// A block's entry in the hint log: enough to index the block without reading it.
///
///     group:  "RTHG"  lane u8  0 u8  records u16  storeID u64  segment u32  offset u32  memberBytes u32  0 u32
///             firstSequence u64  payloadChecksum u64 (of the block's header)  tallies 8 x u64
///             records x RecordHint  checksum u64 (XXH3-64 of all before it)
struct HintGroup: Sendable {
    static let magic: [UInt8] = Array("RTHG".utf8)
    static let headBytes = 4 + 4 + 8 + 16 + 8 + 8 + 8 * StoreLimits.talliesMax

    var lane: Lane
    var segment: UInt32
    var offset: Int
    var memberBytes: Int
    var firstSequence: UInt64
    /// Ties the group to this very block, and not to one written to the same place after a power cut.
    var payloadChecksum: UInt64
    var tallies: Tallies
    var hints: [RecordHint]

    var end: Int { offset + memberBytes }

    static let bytesMax = bytes(records: StoreLimits.blockRecordsMax)

    static func bytes(records: Int) -> Int { headBytes + records * RecordHint.bytes + 8 }

    func encoded(storeID: UInt64) -> [UInt8] {
        var writer = ByteWriter()
        writer.bytes.reserveCapacity(Self.bytes(records: hints.count))
        writer.append(Self.magic)
        writer.append(lane.rawValue)
        writer.append(UInt8(0))
        writer.append(UInt16(hints.count))
        writer.append(storeID)
        writer.append(segment)
        writer.append(UInt32(offset))
        writer.append(UInt32(memberBytes))
        writer.append(UInt32(0))
        writer.append(firstSequence)
        writer.append(payloadChecksum)
        for index in 0..<StoreLimits.talliesMax { writer.append(tallies[index]) }
        for hint in hints { hint.encode(into: &writer) }
        writer.append(writer.bytes.withUnsafeBytes { ContentHash.hash64($0) })
        return writer.bytes
    }

    /// The group at the start of `bytes`; nil if it is truncated, damaged, of another store or segment, or invalid.
    static func decode(_ bytes: UnsafeRawBufferPointer, storeID: UInt64, lane: Lane, segment: UInt32) -> HintGroup? {
        guard bytes.count >= headBytes, bytes.prefix(4).elementsEqual(magic), bytes[4] == lane.rawValue,
            bytes.load(littleEndianAt: 8, as: UInt64.self) == storeID,
            bytes.load(littleEndianAt: 16, as: UInt32.self) == segment
        else { return nil }
        let records = Int(bytes.load(littleEndianAt: 6, as: UInt16.self))
        let total = Self.bytes(records: records)
        guard bytes.count >= total,
            bytes.load(littleEndianAt: total - 8, as: UInt64.self) == ContentHash.hash64(bytes.slice(0, total - 8))
        else { return nil }
        var tallies = Tallies()
        for index in 0..<StoreLimits.talliesMax { tallies[index] = bytes.load(littleEndianAt: 48 + 8 * index) }
        let group = HintGroup(
            lane: lane, segment: segment, offset: Int(bytes.load(littleEndianAt: 20, as: UInt32.self)),
            memberBytes: Int(bytes.load(littleEndianAt: 24, as: UInt32.self)),
            firstSequence: bytes.load(littleEndianAt: 32), payloadChecksum: bytes.load(littleEndianAt: 40),
            tallies: tallies,
            hints: (0..<records).map { RecordHint(bytes, at: headBytes + $0 * RecordHint.bytes) })
        return group.isPossible ? group : nil
    }

    private var isPossible: Bool {
        end <= StoreLimits.segmentBytesMax && firstSequence <= StoreLimits.sequencesMax - UInt64(hints.count)
            && hints.allSatisfy { lane.holds(status: $0.status) && $0.row <= StoreLimits.rowsMax }
    }
}
