import Basics

/// Divides a lane's records into those that stay and those that move to the archive. Everything is written beside the
/// existing files, complete and durable; nothing is replaced yet.
///
/// Segments without a moved or changed record are not touched. Blocks of one kind are copied unchanged, and only mixed
/// ones are recompressed.
struct LaneDivision {
    private let lane: Lane
    private let context: StoreContext
    private let options: StoreOptions
    private let codec: BlockCodec
    private var archive: ArchiveWriter
    private(set) var rewritten: [UInt32] = []
    private(set) var emptied: [UInt32] = []
    var archived: [UInt32] { archive.numbers }

    init(_ lane: Lane, context: StoreContext, options: StoreOptions) throws(RetortError) {
        self.lane = lane
        self.context = context
        self.options = options
        codec = BlockCodec(level: options.compressionLevel, writesChecks: context.writesChecks)
        archive = try ArchiveWriter(
            lane, suffix: Superseding.suffix, context: context, layout: context.layout.archive, options: options)
    }

    mutating func divide(
        _ image: StoreImage, _ chosen: ChosenRecords, _ amendments: Amendments? = nil
    ) throws(RetortError) {
        var (chosen, amendments) = (chosen, amendments)
        for (number, end) in try image.segmentEnds(lane) {
            let reader = try context.segment(lane, number)
            var isTouched = amendments?.places.segment == number
            if !isTouched { isTouched = try chosen.isAny(in: reader, end: end, context: context, codec: codec) }
            guard isTouched else { continue }
            try divide(reader, end: end, &chosen, &amendments)
        }
        try archive.finish()
        try syncDirectories()
    }

    private mutating func divide(
        _ reader: SegmentReader, end: Int, _ chosen: inout ChosenRecords, _ amendments: inout Amendments?
    ) throws(RetortError) {
        var kept = try KeptSegment(reader, context: context)
        var members = MemberCursor(reader, end: end)
        var groups = try BlockHints(reader, context: context, codec: codec)
        while let (header, member) = try members.next() {
            let group = try groups.group(of: header)
            let leaving = Set(try chosen.records(of: group, header))
            let amended = Set(try amendments?.places.records(of: header) ?? [])
            if leaving.isEmpty, amended.isEmpty {
                try kept.append(member, header: header, group)
            } else if leaving.count == header.records {
                try archive.append(member, header: header)
            } else {
                let block = try reader.block(header, codec: codec)
                try split(block, leaving, group, &kept) { (number, line) throws(RetortError) in
                    guard amended.contains(number), let amendments else { return Array(line) }
                    return try amendments.newLine(Array(line), in: reader.file.path)
                }
            }
        }
        if try kept.finish() { rewritten.append(reader.number) } else { emptied.append(reader.number) }
    }

    /// `line` returns the new line of a record that stays, by its index in the block.
    private mutating func split(
        _ block: Block, _ leaving: Set<Int>, _ group: HintGroup, _ kept: inout KeptSegment,
        line newLine: (Int, ArraySlice<UInt8>) throws(RetortError) -> [UInt8]
    ) throws(RetortError) {
        var archived: [UInt8] = []
        var rest = KeptLines(group)
        // The numbering ends where it ended: later blocks keep their numbers.
        var sequence = block.header.nextSequence - UInt64(block.header.records - leaving.count)
        for (number, range) in block.lineRanges.enumerated() {
            if leaving.contains(number) {
                archived += block.raw[range] + [0x0A]
                continue
            }
            if rest.bytes.count >= options.blockRawBytes { try append(&rest, to: &kept, &sequence) }
            let line = try newLine(number, block.raw[range])
            rest.append(line, group.hints[number], context.recount(line))
        }
        try append(&rest, to: &kept, &sequence)
        guard !leaving.isEmpty else { return }
        let goes = codec.encode(archived, header: blank(leaving.count))
        try archive.append(goes.member[...], header: goes.header)
    }

    /// Collects lines that stay, until they make a block.
    private struct KeptLines {
        var bytes: [UInt8] = []
        var group: HintGroup

        init(_ group: HintGroup) {
            self.group = group
            self.group.hints = []
            self.group.tallies = Tallies()
        }

        mutating func append(_ line: [UInt8], _ hint: RecordHint, _ tallies: Tallies) {
            bytes += line
            bytes.append(0x0A)
            group.hints.append(hint)
            group.tallies += tallies
        }
    }

    /// Writes the lines as a block, and removes them.
    private func append(
        _ rest: inout KeptLines, to kept: inout KeptSegment, _ sequence: inout UInt64
    ) throws(RetortError) {
        let records = rest.group.hints.count
        guard records > 0 else { return }
        let stays = codec.encode(rest.bytes, header: blank(records))
        var header = stays.header
        header.firstSequence = sequence
        sequence += UInt64(records)
        try kept.append(stays.member[...], header: header, rest.group)
        rest = KeptLines(rest.group)
    }

    private func blank(_ records: Int) -> BlockHeader {
        BlockHeader(
            lane: lane, records: records, memberBytes: 0, rawBytes: 0, previousBytes: 0, storeID: context.storeID,
            segment: 0, offset: 0, firstSequence: 0, durableBytes: 0, payloadChecksum: 0)
    }

    /// The written data is durable; its names must be too before anything relies on them.
    private func syncDirectories() throws(RetortError) {
        // Always: a journal whose removal a power cut undoes must not come back with records that move now.
        try context.files.syncDirectory(context.layout.directory(lane))
        if !rewritten.isEmpty { try context.files.syncDirectory(context.layout.index) }
        if !archived.isEmpty { try context.files.syncDirectory(context.layout.archive.directory(lane)) }
    }
}

/// The part of a segment that stays, with its hint log, in files beside the segment's.
private struct KeptSegment {
    private let path: String
    private let hintsPath: String
    private let context: StoreContext
    private let number: UInt32
    private var writer: MemberWriter
    private var hints: HintWriter

    init(_ reader: SegmentReader, context: StoreContext) throws(RetortError) {
        self.context = context
        number = reader.number
        path = reader.file.path + Superseding.suffix
        hintsPath = context.layout.hints(reader.lane, number) + Superseding.suffix
        writer = try MemberWriter(
            path, lane: reader.lane, segment: number, storeID: context.storeID, files: context.files)
        hints = HintWriter(try context.files.open(hintsPath, .createEmpty))
    }

    /// `group` describes the block's content, whatever its position was.
    mutating func append(
        _ member: ArraySlice<UInt8>, header: BlockHeader, _ group: HintGroup
    ) throws(RetortError) {
        let placed = try writer.append(member, header: header, firstSequence: header.firstSequence)
        var group = group
        group.segment = number
        group.offset = placed.offset
        group.memberBytes = placed.memberBytes
        group.firstSequence = placed.firstSequence
        group.payloadChecksum = placed.payloadChecksum
        try hints.append(group.encoded(storeID: context.storeID))
    }

    /// Makes both files durable. False if nothing stays; then there are no files.
    mutating func finish() throws(RetortError) -> Bool {
        guard writer.offset > 0 else {
            try context.files.remove(path)
            try context.files.remove(hintsPath)
            return false
        }
        try writer.finish()
        try hints.finish()
        return true
    }
}
