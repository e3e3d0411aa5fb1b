import Basics

/// The end of a lane's newest segment, where blocks are appended.
///
/// Remembers the members that are not durable yet: if a sync fails, the kernel may have dropped them, and they are
/// written again to a new segment.
struct SegmentWriter {
    let lane: Lane
    private let context: StoreContext
    private let codec: BlockCodec
    /// 0 if the lane has no segment yet.
    private(set) var number: UInt32
    private(set) var offset: Int
    private(set) var durableBytes: Int
    private var previousBytes: Int
    private var file: (any StoreFile)?
    private var hints: HintLogWriter?
    private(set) var hintBytes: Int
    private(set) var unsynced: [UnsyncedBlock] = []
    private(set) var unsyncedBytes = 0
    /// Blocks of a segment whose sync failed, being moved to the next one.
    private var relocating: [UnsyncedBlock] = []
    /// A sync has failed: the file is not written or synced again.
    private(set) var isDistrusted = false
    /// Whether bytes of a failed write may follow `offset`.
    private var isTorn = false
    private var directoryIsDirty = false
    /// The end of the good bytes found when the store was opened. They may not be durable, and their lines may be in no
    /// journal any more.
    private let foundBytes: Int
    private var needsSync: Bool

    struct UnsyncedBlock {
        var header: BlockHeader
        var member: [UInt8]
        var hints: [RecordHint]
        var tallies: Tallies
    }

    init(_ lane: Lane, context: StoreContext, level: Int, tail: LaneTail) {
        self.lane = lane
        self.context = context
        codec = BlockCodec(level: level, writesChecks: context.writesChecks)
        number = tail.segment
        offset = tail.offset
        durableBytes = tail.durableBytes
        previousBytes = tail.previousBytes
        hintBytes = tail.hintBytes
        foundBytes = tail.offset
        needsSync = tail.offset > tail.durableBytes
    }

    var isDirty: Bool { !unsynced.isEmpty || directoryIsDirty || needsSync }

    /// Whether a block of that size belongs in another segment, so that this one must be sealed first.
    func isFull(forRawBytes rawBytes: Int, limit: Int) -> Bool { number > 0 && offset >= limit && rawBytes > 0 }

    /// Compresses a block and appends it. If it throws, the segment ends where it ended before.
    mutating func append(_ block: RawBlock) throws(RetortError) -> HintGroup {
        if number == 0 { try begin(1) }
        let packed = block.packing?.result(codec) ?? codec.packed(block.raw)
        let (member, header) = packed.member(header(of: block))
        return try append(
            UnsyncedBlock(header: header, member: member, hints: block.hints, tallies: block.tallies))
    }

    private func header(of block: RawBlock) -> BlockHeader {
        BlockHeader(
            lane: lane, records: block.hints.count, memberBytes: 0, rawBytes: block.raw.count,
            previousBytes: previousBytes, storeID: context.storeID, segment: number, offset: offset,
            firstSequence: block.firstSequence, durableBytes: durableBytes, payloadChecksum: 0)
    }

    private mutating func append(_ block: UnsyncedBlock) throws(RetortError) -> HintGroup {
        let file = try openFile()
        do throws(RetortError) {
            if isTorn { try file.truncate(to: offset) }
            isTorn = false
            try file.write(block.member, at: offset)
        } catch {
            dropTornBytes()
            guard error.code == .noSpace else { throw error }
            var error = error
            error.cause = (error.cause.map { $0 + "; " } ?? "") + "the next block needs \(block.member.count) bytes"
            throw error
        }
        let group = HintGroup(
            lane: lane, segment: number, offset: offset, memberBytes: block.member.count,
            firstSequence: block.header.firstSequence, payloadChecksum: block.header.payloadChecksum,
            tallies: block.tallies, hints: block.hints)
        offset += block.member.count
        previousBytes = block.member.count
        unsynced.append(block)
        unsyncedBytes += block.member.count
        appendHints(group)
        return group
    }

    /// After a failed write: truncates to the last good byte, and leaves no empty file. What cannot be cut now is cut
    /// before the next write, or by recovery.
    private mutating func dropTornBytes() {
        do throws(RetortError) {
            if offset == 0 {
                try context.files.remove(context.layout.segment(lane, number))
                file = nil
            } else {
                try file?.truncate(to: offset)
            }
        } catch {
            isTorn = true
        }
    }

    private mutating func openFile() throws(RetortError) -> any StoreFile {
        if let file { return file }
        // A segment without a block never overwrites a file.
        let opened = try context.files.open(context.layout.segment(lane, number), offset > 0 ? .readWrite : .createNew)
        if offset == 0 { directoryIsDirty = true }
        file = opened
        return opened
    }

    /// A hint log that cannot be written stays behind its segment from then on: the index is built from the blocks
    /// instead.
    private mutating func appendHints(_ group: HintGroup) {
        do throws(RetortError) {
            if hints == nil { hints = try HintLogWriter(lane, number, at: hintBytes, context: context) }
            try hints!.append(group)
            hintBytes = hints!.bytes
        } catch {
            hints = nil
        }
    }

    /// Makes everything appended so far durable.
    mutating func sync() throws(RetortError) {
        guard isDirty else { return }
        let file = try openFile()
        if needsSync {
            try FoundBytes(lane, number, durableBytes: durableBytes, offset: foundBytes).rewrite(in: file)
        }
        try file.syncData()
        if directoryIsDirty || needsSync { try context.files.syncDirectory(context.layout.directory(lane)) }
        assumeDurable()
    }

    /// Without syncing: what is written counts as durable.
    mutating func assumeDurable() {
        durableBytes = offset
        unsynced.removeAll()
        unsyncedBytes = 0
        directoryIsDirty = false
        needsSync = false
    }

    /// A sync has failed: data that was not durable may be lost, and another sync could succeed without writing it.
    mutating func distrust() { isDistrusted = true }

    /// The blocks of a distrusted segment that existed when the store was opened and may not be durable.
    func foundBlocks() throws(RetortError) -> [Block] {
        guard needsSync else { return [] }
        let reader = try context.segment(lane, number)
        var walk = SegmentWalk(
            reader, from: durableBytes, size: foundBytes, durableBytes: durableBytes, checksEveryPayload: true)
        var blocks: [Block] = []
        while case .block(let header) = try walk.next() { blocks.append(try reader.block(header, codec: codec)) }
        return blocks
    }

    /// Adds these to the blocks that are written again. Their lines must be in a journal.
    mutating func adopt(_ found: [Block]) {
        var adopted: [UnsyncedBlock] = []
        for block in found {
            guard let group = context.hintGroup(of: block) else { continue }
            let (member, header) = codec.encode(block.raw, header: block.header)
            adopted.append(
                UnsyncedBlock(header: header, member: member, hints: group.hints, tallies: group.tallies))
        }
        unsynced.insert(contentsOf: adopted, at: 0)
        needsSync = false
    }

    /// Leaves the distrusted segment for the next one. The blocks that were not durable follow with `relocateNext`.
    mutating func leaveDistrusted() throws(RetortError) {
        try? file?.truncate(to: durableBytes)
        let lost = unsynced
        try begin(number + 1)
        relocating = lost
        isDistrusted = false
    }

    /// Writes the next block that was not durable to the new segment; nil when all are there. After an error it
    /// continues where it was. Also returns the previous position of the block's first record.
    mutating func relocateNext() throws(RetortError) -> (HintGroup, old: RecordPlace)? {
        guard var block = relocating.first else { return nil }
        let old = RecordPlace(segment: block.header.segment, offset: UInt32(block.header.offset), record: 0)
        block.header.segment = number
        block.header.offset = offset
        block.header.previousBytes = previousBytes
        block.header.durableBytes = 0
        block.member.replaceSubrange(0..<BlockHeader.bytes, with: block.header.encoded())
        let group = try append(block)
        relocating.removeFirst()
        return (group, old)
    }

    /// Leaves the segment, which must be durable, and continues in the next one.
    mutating func rotate() throws(RetortError) { try begin(number + 1) }

    /// Continues in the next segment number without a file.
    private mutating func begin(_ next: UInt32) throws(RetortError) {
        var next = next
        while true {
            let path = context.layout.segment(lane, next)
            guard next <= StoreLimits.segmentsMax else {
                throw RetortError(
                    .damagedData, "the \(lane.directoryName) have no more numbers for segments", at: path,
                    remedy: "Choose another directory for further records.")
            }
            if try context.files.size(of: path) == nil { break }
            next += 1
        }
        number = next
        offset = 0
        durableBytes = 0
        previousBytes = 0
        hintBytes = 0
        file = nil
        hints = nil
        unsynced = []
        unsyncedBytes = 0
        isTorn = false
        needsSync = false
    }

    /// The segment's manifest entry while nothing is being written.
    func manifestEntry(sealed: Bool) -> StoreManifest.Segment {
        StoreManifest.Segment(number: number, bytes: durableBytes, sealed: sealed)
    }
}

/// Lines on their way from the journal to a segment.
struct RawBlock: Sendable {
    var lane: Lane
    var firstSequence: UInt64
    /// Lines with their line feeds.
    var raw: [UInt8] = []
    var hints: [RecordHint] = []
    /// For each record the status byte of the failure that it supersedes, or 0.
    var priors: [UInt8] = []
    var tallies = Tallies()
    /// Its compression, if that may begin before it is appended.
    var packing: PackingThreads.Job?

    var nextSequence: UInt64 { firstSequence + UInt64(hints.count) }
}
