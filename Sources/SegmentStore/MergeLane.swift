import Basics

/// One lane of a store that is being written in one go: segments, hint logs and runs, all from blocks that arrive in
/// their final order.
struct MergeLane {
    let lane: Lane
    private let context: StoreContext
    private let options: StoreOptions
    private let codec: BlockCodec
    private var writer: MemberWriter?
    private var hints: HintWriter?
    private var number: UInt32 = 0
    private var nextSequence: UInt64 = 0
    private(set) var segments: [StoreManifest.Segment] = []
    private(set) var counters = StoreCounters()
    private var entries: [IndexEntry] = []
    private(set) var runs: [Run] = []
    /// Lines of blocks that did not go on whole.
    private var loose = RawBlock(lane: .responses, firstSequence: 0)

    /// Entries that are sorted in memory before they become a run.
    private var entriesMax: Int { context.tuning.deltaEntriesMax * 4 }

    init(_ lane: Lane, context: StoreContext, options: StoreOptions) {
        self.lane = lane
        self.context = context
        self.options = options
        codec = BlockCodec(level: options.compressionLevel)
    }

    var bytes: Int { segments.reduce(0) { $0 + $1.bytes } }

    /// Appends a member as it is. `hints` and `tallies` are in the merged store's numbers.
    mutating func append(
        _ member: ArraySlice<UInt8>, header: BlockHeader, hints recordHints: [RecordHint], tallies: Tallies,
        nextRun: inout UInt64
    ) throws(RetortError) {
        if writer == nil || writer!.offset >= options.segmentBytes { try beginSegment() }
        let placed = try writer!.append(member, header: header, firstSequence: nextSequence)
        nextSequence = placed.nextSequence
        let group = HintGroup(
            lane: lane, segment: number, offset: placed.offset, memberBytes: placed.memberBytes,
            firstSequence: placed.firstSequence, payloadChecksum: placed.payloadChecksum, tallies: tallies,
            hints: recordHints)
        try hints!.append(group.encoded(storeID: context.storeID))
        for (record, hint) in recordHints.enumerated() {
            entries.append(hint.entry(segment: number, offset: placed.offset, record: record))
            counters.count(lane, status: hint.status, prior: 0)
        }
        counters.tallies += tallies
        if entries.count >= entriesMax { try writeRun(&nextRun) }
    }

    /// Appends one line of a block that does not go on whole.
    mutating func append(line: ArraySlice<UInt8>, hint: RecordHint, nextRun: inout UInt64) throws(RetortError) {
        loose.raw.append(contentsOf: line)
        loose.raw.append(0x0A)
        loose.hints.append(hint)
        loose.tallies += context.recount(Array(line))
        if loose.raw.count >= options.blockRawBytes || loose.hints.count >= StoreLimits.blockRecordsMax {
            try encodeLoose(&nextRun)
        }
    }

    private mutating func encodeLoose(_ nextRun: inout UInt64) throws(RetortError) {
        guard !loose.hints.isEmpty else { return }
        let blank = BlockHeader(
            lane: lane, records: loose.hints.count, memberBytes: 0, rawBytes: 0, previousBytes: 0,
            storeID: context.storeID, segment: 0, offset: 0, firstSequence: 0, durableBytes: 0, payloadChecksum: 0)
        let (member, header) = codec.encode(loose.raw, header: blank)
        let block = loose
        loose = RawBlock(lane: lane, firstSequence: 0)
        try append(member[...], header: header, hints: block.hints, tallies: block.tallies, nextRun: &nextRun)
    }

    private mutating func beginSegment() throws(RetortError) {
        try finishSegment(sealed: true)
        number += 1
        writer = try MemberWriter(
            context.layout.segment(lane, number), lane: lane, segment: number, storeID: context.storeID,
            files: context.files)
        hints = HintWriter(try context.files.open(context.layout.hints(lane, number), .createEmpty))
    }

    private mutating func finishSegment(sealed: Bool) throws(RetortError) {
        guard writer != nil else { return }
        try writer!.finish()
        try hints!.finish()
        segments.append(StoreManifest.Segment(number: number, bytes: writer!.offset, sealed: sealed))
    }

    /// Completes the lane's files and makes their data durable; returns how far its runs reach: to the end.
    mutating func finish(nextRun: inout UInt64) throws(RetortError) -> Coverage {
        try encodeLoose(&nextRun)
        try finishSegment(sealed: false)
        try writeRun(&nextRun)
        guard let writer, let hints else { return Coverage() }
        return Coverage(
            segment: number, offset: writer.offset, nextSequence: nextSequence, hintBytes: hints.bytes,
            previousBytes: writer.previousBytes)
    }

    private mutating func writeRun(_ nextRun: inout UInt64) throws(RetortError) {
        guard !entries.isEmpty else { return }
        let sorted = ArrayCursor(sorting: entries)
        entries.removeAll(keepingCapacity: true)
        runs.insert(try makeRun(sorted, level: 0, &nextRun), at: 0)
        while let level = levelToMerge {
            let same = runs.filter { $0.level == level }
            let merged = try makeRun(RunMerge(newestFirst: same.map { RunCursor($0) }), level: level + 1, &nextRun)
            let first = runs.firstIndex { $0.level == level }!
            runs[first] = merged
            runs.removeAll { $0.level == level }
            for run in same { try context.files.remove(context.layout.run(run.number)) }
        }
    }

    private var levelToMerge: UInt8? {
        Set(runs.map(\.level)).sorted().first { level in
            runs.filter { $0.level == level }.count >= context.tuning.runFanIn
        }
    }

    private func makeRun(
        _ entries: some SortedEntries, level: UInt8, _ nextRun: inout UInt64
    ) throws(RetortError) -> Run {
        defer { nextRun += 1 }
        return try Run.write(
            entries, lane: lane, number: nextRun, storeID: context.storeID, level: level, context.layout, context.files)
    }
}

/// Writes a hint log, large stretches at a time.
private struct HintWriter {
    private let file: any StoreFile
    private var pending: [UInt8] = []
    private(set) var bytes = 0

    init(_ file: any StoreFile) { self.file = file }

    mutating func append(_ group: [UInt8]) throws(RetortError) {
        pending.append(contentsOf: group)
        bytes += group.count
        if pending.count >= StoreLimits.copyBufferBytes { try flush() }
    }

    private mutating func flush() throws(RetortError) {
        try file.write(pending, at: bytes - pending.count)
        pending.removeAll(keepingCapacity: true)
    }

    mutating func finish() throws(RetortError) {
        try flush()
        try file.syncData()
    }
}
