public import Basics

/// A record's position and status: 31 bytes in a run.
///
///     offset size  field
///          0   16  key hash: high half, then low half
///         16    3  segment
///         19    4  offset of the block in the segment
///         23    2  number of the record in the block
///         25    1  0 success, 1 and up: failure class + 1; 128 round, 129 verdict
///         26    1  attempts, at most 255
///         27    4  low half of the request's fingerprint
public struct IndexEntry: Sendable, Hashable {
    static let bytes = 31
    /// Replaces a segment's number while the record is in the journal only; never in a run.
    static let segmentOfJournal = UInt32.max

    public var hash: Hash128
    var segment: UInt32
    var offset: UInt32
    var record: UInt16
    var status: UInt8
    public var attempts: UInt8
    /// The low half of the request's fingerprint.
    public var fingerprint: UInt32

    /// The record's status.
    public var recordStatus: RecordStatus { RecordStatus(code: status) }

    var isPending: Bool { segment == Self.segmentOfJournal }

    /// Writes the entry and one zero byte behind it, which the next entry covers.
    @inline(__always)
    func encode(into page: UnsafeMutableRawBufferPointer, at start: Int) {
        // Four words: writing the fields one by one would cost a merge as much as all its reading.
        let third = UInt64(segment) | UInt64(offset) << 24 | UInt64(record) << 56
        let last =
            UInt64(record >> 8) | UInt64(status) << 8 | UInt64(attempts) << 16 | UInt64(fingerprint) << 24
        page.storeBytes(of: hash.high.littleEndian, toByteOffset: start, as: UInt64.self)
        page.storeBytes(of: hash.low.littleEndian, toByteOffset: start + 8, as: UInt64.self)
        page.storeBytes(of: third.littleEndian, toByteOffset: start + 16, as: UInt64.self)
        page.storeBytes(of: last.littleEndian, toByteOffset: start + 24, as: UInt64.self)
    }

    @inline(__always)
    static func decode(_ bytes: UnsafeRawBufferPointer, at start: Int) -> IndexEntry {
        let third: UInt64 = bytes.load(littleEndianAt: start + 16)
        return IndexEntry(
            hash: Hash128(high: bytes.load(littleEndianAt: start), low: bytes.load(littleEndianAt: start + 8)),
            segment: UInt32(third & 0xFF_FFFF), offset: UInt32(truncatingIfNeeded: third >> 24),
            record: UInt16(third >> 56) | UInt16(bytes[start + 24]) << 8, status: bytes[start + 25],
            attempts: bytes[start + 26], fingerprint: bytes.load(littleEndianAt: start + 27))
    }
}

/// A record's data before it has a position in a segment, and its entry in a hint afterwards.
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
