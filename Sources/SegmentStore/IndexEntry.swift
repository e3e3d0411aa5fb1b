public import Basics

/// Where a record is and how it ended: 32 bytes in every file of the index.
///
///     offset size  field
///          0   16  key hash: high half, then low half
///         16    4  segment; 2^32-1: still in the journal
///         20    4  offset of the block in the segment
///         24    2  number of the record in the block
///         26    1  0 success, 1 and up: failure class + 1
///         27    1  attempts, at most 255
///         28    4  low half of the request's fingerprint
public struct IndexEntry: Sendable, Hashable {
    static let bytes = 32
    static let segmentOfJournal = UInt32.max

    public var hash: Hash128
    var segment: UInt32
    var offset: UInt32
    var record: UInt16
    var status: UInt8
    public var attempts: UInt8
    /// The low half of the request's fingerprint.
    public var fingerprint: UInt32

    /// How the record ended.
    public var recordStatus: RecordStatus { RecordStatus(code: status) }

    var isPending: Bool { segment == Self.segmentOfJournal }

    func encode(into writer: inout ByteWriter) {
        // Four words at once: one by one the fields cost a merge as much as all its reading.
        let last =
            UInt64(record) | UInt64(status) << 16 | UInt64(attempts) << 24 | UInt64(fingerprint) << 32
        writer.append(words: (hash.high, hash.low, UInt64(segment) | UInt64(offset) << 32, last))
    }

    @inline(__always)
    static func decode(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> IndexEntry {
        IndexEntry(
            hash: Hash128(
                high: bytes.load(littleEndianAt: offset), low: bytes.load(littleEndianAt: offset + 8)),
            segment: bytes.load(littleEndianAt: offset + 16), offset: bytes.load(littleEndianAt: offset + 20),
            record: bytes.load(littleEndianAt: offset + 24), status: bytes[offset + 26],
            attempts: bytes[offset + 27], fingerprint: bytes.load(littleEndianAt: offset + 28))
    }
}

/// What the store keeps of a record while it has no place in a segment yet, and what a hint says of it afterwards.
struct RecordHint: Sendable, Hashable {
    static let bytes = 32

    var hash: Hash128
    var row: UInt64
    var fingerprint: UInt32
    var sample: UInt16
    var status: UInt8
    var attempts: UInt8

    init(head: RecordHead, status: RecordStatus) {
        hash = head.key.hash
        row = head.row
        fingerprint = UInt32(truncatingIfNeeded: head.fingerprint)
        sample = UInt16(clamping: head.key.sample)
        self.status = status.code
        attempts = UInt8(clamping: head.attempts)
    }

    init(_ record: NewRecord, hash: Hash128) {
        self.hash = hash
        row = record.row
        fingerprint = UInt32(truncatingIfNeeded: record.fingerprint)
        sample = UInt16(clamping: record.key.sample)
        status = record.status.code
        attempts = UInt8(clamping: record.attempts)
    }

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        hash = Hash128(high: bytes.load(littleEndianAt: offset), low: bytes.load(littleEndianAt: offset + 8))
        row = bytes.load(littleEndianAt: offset + 16)
        fingerprint = bytes.load(littleEndianAt: offset + 24)
        sample = bytes.load(littleEndianAt: offset + 28)
        status = bytes[offset + 30]
        attempts = bytes[offset + 31]
    }

    func encode(into writer: inout ByteWriter) {
        let last = UInt64(fingerprint) | UInt64(sample) << 32 | UInt64(status) << 48 | UInt64(attempts) << 56
        writer.append(words: (hash.high, hash.low, row, last))
    }

    func entry(segment: UInt32, offset: Int, record: Int) -> IndexEntry {
        IndexEntry(
            hash: hash, segment: segment, offset: UInt32(offset), record: UInt16(record), status: status,
            attempts: attempts, fingerprint: fingerprint)
    }

    var pendingEntry: IndexEntry {
        entry(segment: IndexEntry.segmentOfJournal, offset: 0, record: 0)
    }
}
