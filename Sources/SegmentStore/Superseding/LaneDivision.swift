import Basics

/// Divides the records of a lane into those that stay and those that go to the archive. Everything is written beside
/// what there is, complete and durable; nothing takes its place yet.
///
/// Segments without a record that goes are not touched. Blocks of one kind are copied as they are, and only the
/// others are compressed anew.
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

    mutating func divide(_ image: StoreImage, _ chosen: ChosenRecords) throws(RetortError) {
        var chosen = chosen
        for (number, end) in try image.segmentEnds(lane) {
            let reader = try context.segment(lane, number)
            guard try chosen.isAny(in: reader, end: end, context: context, codec: codec) else { continue }
            try divide(reader, end: end, &chosen)
        }
        try archive.finish()
        try syncDirectories()
    }

    private mutating func divide(
        _ reader: SegmentReader, end: Int, _ chosen: inout ChosenRecords
    ) throws(RetortError) {
        var kept = try KeptSegment(reader, context: context)
        var members = MemberCursor(reader, end: end)
        var groups = try BlockHints(reader, context: context, codec: codec)
        while let (header, member) = try members.next() {
            let group = try groups.group(of: header)
            let leaving = Set(try chosen.records(of: group, header))
            if leaving.isEmpty {
                try kept.append(member, header: header, group)
            } else if leaving.count == header.records {
                try archive.append(member, header: header)
            } else {
                try split(try reader.block(header, codec: codec), leaving, group, &kept)
            }
        }
        if try kept.finish() { rewritten.append(reader.number) } else { emptied.append(reader.number) }
    }

    private mutating func split(
        _ block: Block, _ leaving: Set<Int>, _ group: HintGroup, _ kept: inout KeptSegment
    ) throws(RetortError) {
        var lines: (kept: [UInt8], archived: [UInt8]) = ([], [])
        var rest = group
        rest.hints = []
        rest.tallies = Tallies()
        for (number, range) in block.lineRanges.enumerated() {
            let line = block.raw[range]
            if leaving.contains(number) {
                lines.archived += line + [0x0A]
            } else {
                lines.kept += line + [0x0A]
                rest.hints.append(group.hints[number])
                rest.tallies += context.recount(Array(line))
            }
        }
        let stays = codec.encode(lines.kept, header: blank(rest.hints.count))
        // The numbering ends where it ended: what follows keeps its numbers.
        var header = stays.header
        header.firstSequence = block.header.nextSequence - UInt64(rest.hints.count)
        try kept.append(stays.member[...], header: header, rest)
        let goes = codec.encode(lines.archived, header: blank(leaving.count))
        try archive.append(goes.member[...], header: goes.header)
    }

    private func blank(_ records: Int) -> BlockHeader {
        BlockHeader(
            lane: lane, records: records, memberBytes: 0, rawBytes: 0, previousBytes: 0, storeID: context.storeID,
            segment: 0, offset: 0, firstSequence: 0, durableBytes: 0, payloadChecksum: 0)
    }

    /// What was written is durable; so must its names be before anything relies on them.
    private func syncDirectories() throws(RetortError) {
        // Always: a journal whose removal a power cut undoes must not come back with what goes now.
        try context.files.syncDirectory(context.layout.directory(lane))
        if !rewritten.isEmpty { try context.files.syncDirectory(context.layout.index) }
        if !archived.isEmpty { try context.files.syncDirectory(context.layout.archive.directory(lane)) }
    }
}

/// What stays of a segment, with its hint log, in files beside those of the segment.
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

    /// `group` says what the block holds, wherever it stood.
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

    /// Makes both files durable. False when nothing stays: there are none then.
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
