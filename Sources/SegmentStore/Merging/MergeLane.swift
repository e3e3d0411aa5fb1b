import Basics

/// One lane of a store that is written in one pass: its segments, from blocks in their final order, and through `index`
/// everything derived from them.
struct MergeLane {
    let lane: Lane
    private let context: StoreContext
    private let options: StoreOptions
    private let codec: BlockCodec
    private let index: MergeIndex
    private let worker: SerialWorker
    private var writer: MemberWriter?
    private var number: UInt32 = 0
    private var nextSequence: UInt64 = 0
    private(set) var segments: [StoreManifest.Segment] = []
    /// Lines of blocks that are only partly kept.
    private var loose = RawBlock(lane: .responses, firstSequence: 0)
    private var looseOrigin: RecordOrigin?
    /// The records' origins, with the sequence number from which each applies.
    private(set) var spans: [(from: UInt64, origin: RecordOrigin)] = []

    init(
        _ lane: Lane, index: MergeIndex, worker: SerialWorker, context: StoreContext, options: StoreOptions
    ) {
        self.lane = lane
        self.index = index
        self.worker = worker
        self.context = context
        self.options = options
        codec = BlockCodec(level: options.compressionLevel, writesChecks: context.writesChecks)
    }

    var bytes: Int { segments.reduce(0) { $0 + $1.bytes } }

    /// Appends a gzip member unchanged. `hints` and `tallies` are in the merged store's numbers.
    mutating func append(
        _ member: ArraySlice<UInt8>, header: BlockHeader, hints: [RecordHint], tallies: Tallies, origin: RecordOrigin
    ) throws(RetortError) {
        if spans.last?.origin != origin { spans.append((nextSequence, origin)) }
        if writer == nil || writer!.offset >= options.segmentBytes { try beginSegment() }
        let placed = try writer!.append(member, header: header, firstSequence: nextSequence)
        nextSequence = placed.nextSequence
        if let sync = writer!.takeSync() { try worker.submit(sync) }
        let group = HintGroup(
            lane: lane, segment: number, offset: placed.offset, memberBytes: placed.memberBytes,
            firstSequence: placed.firstSequence, payloadChecksum: placed.payloadChecksum, tallies: tallies,
            hints: hints)
        try worker.submit { [index] () throws(RetortError) in try index.add(group) }
    }

    /// Appends one line of a block that is only partly kept.
    mutating func append(
        line: ArraySlice<UInt8>, hint: RecordHint, origin: RecordOrigin
    ) throws(RetortError) {
        // A block has one origin.
        if looseOrigin != origin { try encodeLoose() }
        looseOrigin = origin
        loose.raw.append(contentsOf: line)
        loose.raw.append(0x0A)
        loose.hints.append(hint)
        loose.tallies += context.recount(Array(line))
        if loose.raw.count >= options.blockRawBytes || loose.hints.count >= StoreLimits.blockRecordsMax {
            try encodeLoose()
        }
    }

    private mutating func encodeLoose() throws(RetortError) {
        guard !loose.hints.isEmpty, let origin = looseOrigin else { return }
        let blank = BlockHeader(
            lane: lane, records: loose.hints.count, memberBytes: 0, rawBytes: 0, previousBytes: 0,
            storeID: context.storeID, segment: 0, offset: 0, firstSequence: 0, durableBytes: 0, payloadChecksum: 0)
        let (member, header) = codec.encode(loose.raw, header: blank)
        let block = loose
        loose = RawBlock(lane: lane, firstSequence: 0)
        try append(member[...], header: header, hints: block.hints, tallies: block.tallies, origin: origin)
    }

    private mutating func beginSegment() throws(RetortError) {
        try finishSegment(sealed: true)
        number += 1
        writer = try MemberWriter(
            context.layout.segment(lane, number), lane: lane, segment: number, storeID: context.storeID,
            files: context.files)
        try worker.submit { [index, lane, number] () throws(RetortError) in try index.beginSegment(lane, number) }
    }

    private mutating func finishSegment(sealed: Bool) throws(RetortError) {
        guard writer != nil else { return }
        try writer!.finish()
        try worker.submit { [index, lane] () throws(RetortError) in try index.finishSegment(lane) }
        segments.append(StoreManifest.Segment(number: number, bytes: writer!.offset, sealed: sealed))
    }

    /// Completes the lane's files and makes their data durable. Returns the runs' coverage, which is complete.
    mutating func finish() throws(RetortError) -> Coverage {
        try encodeLoose()
        // The last run is written while the last bytes of the segment are being synced.
        try worker.submit { [index, lane] () throws(RetortError) in try index.writeRun(lane) }
        try finishSegment(sealed: false)
        try worker.drain()
        guard let writer, let hints = index[lane].hints else { return Coverage() }
        return Coverage(
            segment: number, offset: writer.offset, nextSequence: nextSequence, hintBytes: hints.bytes,
            previousBytes: writer.previousBytes)
    }
}
