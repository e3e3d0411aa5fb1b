import Basics

/// What the replay of a lane found at its end, and what must be repaired before the lane can be written again.
struct LaneTail: Sendable {
    /// The newest segment; 0 if the lane has none.
    var segment: UInt32 = 0
    /// Whether the manifest says that it is complete.
    var isSealed = false
    /// Where its good blocks end.
    var offset = 0
    /// Its size on disk; larger than `offset` when the tail is torn.
    var size = 0
    var previousBytes = 0
    var durableBytes = 0
    var nextSequence: UInt64 = 0
    /// Where the good groups of its hint log end.
    var hintBytes = 0
    var journaled: [JournaledLine] = []
    var journalPaths: [String] = []
    var badJournalLines = 0
    var damage: [Damage] = []
}

/// Updates the index of one lane to the content of its segments, from the end of the runs' coverage: from the hint logs
/// where they are valid, by decompressing blocks where they are not.
struct LaneReplay {
    let lane: Lane
    let context: StoreContext
    let manifest: StoreManifest
    let index: Locked<StoreIndex>
    /// A writer's repairs on the way; nil for readers, which must not write.
    let mending: Mending?
    /// The end of an earlier replay: what was written since is left out.
    private let limit: LaneTail?

    struct Mending {
        /// Whether hint logs that lag behind their segments are completed.
        var writesHints = true
        /// Called when the tables have grown, with their entries of the lane's newest segment so far.
        var flush: (FoundBytes) throws(RetortError) -> Void
    }

    private let codec = BlockCodec()

    init(
        _ lane: Lane, context: StoreContext, manifest: StoreManifest, index: Locked<StoreIndex>,
        mending: Mending?, limit: LaneTail? = nil
    ) {
        self.lane = lane
        self.context = context
        self.manifest = manifest
        self.index = index
        self.mending = mending
        self.limit = limit
    }

    func run() throws(RetortError) -> LaneTail {
        let coverage = index.withLock { $0.coverage[lane] } ?? Coverage()
        // Journals first: a line that a writer moves meanwhile is then seen in one place or in both.
        let journal = try JournalSurvey.read(
            lane, from: coverage.nextSequence, storeID: context.storeID, layout: context.layout, files: context.files)
        try checkCoverage(coverage)
        var tail = LaneTail()
        tail.damage = try context.strayFiles(lane)
        tail.nextSequence = coverage.nextSequence
        tail.previousBytes = coverage.previousBytes
        let numbers = try context.segmentNumbers(lane)
        if coverage.offset > 0, !numbers.contains(coverage.segment) {
            throw indexLeads(context.layout.segment(lane, coverage.segment))
        }
        // A segment that was begun and has no block yet has no file either. It must not be taken for the lane's first.
        if coverage.segment > 1 { tail.segment = coverage.segment }
        for number in numbers where number >= coverage.segment && number <= limit?.segment ?? .max {
            try replay(number, coverage: coverage, tail: &tail)
        }
        index.withLock { $0.letGoOfPages() }
        let next = tail.nextSequence
        tail.journaled = journal.lines.filter { $0.sequence >= next }
        tail.journalPaths = journal.paths
        tail.badJournalLines = journal.skipped.filter(\.isEnded).count
        tail.damage += journal.damage
        try keepUnsettled(journal, below: next, &tail)
        return tail
    }

    /// Checks that a block or a segment ends where the runs' coverage does: otherwise good blocks would look like a
    /// torn tail. Throws `.damagedData` naming the index.
    private func checkCoverage(_ coverage: Coverage) throws(RetortError) {
        guard coverage.offset > 0 else {
            let earlier = try context.segmentNumbers(lane).last { $0 < coverage.segment }
            let end = try earlier.map { number throws(RetortError) in try endOfSegment(number) } ?? 0
            // If blocks were lost, the end is unknown; the numbers may be higher there.
            if let end, end != coverage.nextSequence { throw misplacedCoverage }
            return
        }
        guard let reader = try context.segmentIfThere(lane, coverage.segment) else { return }
        guard try reader.file.size() >= coverage.offset else { return }
        if let last = try reader.header(at: coverage.offset - coverage.previousBytes) {
            guard last.end == coverage.offset, last.nextSequence == coverage.nextSequence else {
                throw misplacedCoverage
            }
            return
        }
        // Its header may have been damaged since. Then what follows shows where it ended.
        let listed = manifest.segments(lane).first { $0.number == coverage.segment }
        let ends = try [reader.file.size(), listed?.bytes].contains(coverage.offset)
        let following = try reader.header(at: coverage.offset)
        guard ends || following.map({ $0.firstSequence >= coverage.nextSequence }) ?? false else {
            throw misplacedCoverage
        }
    }

    /// The number after the last record of a segment; nil if a bad block hides it.
    private func endOfSegment(_ number: UInt32) throws(RetortError) -> UInt64? {
        let reader = try context.segment(lane, number)
        let size = try reader.file.size()
        let listed = manifest.segments(lane).first { $0.number == number && $0.sealed }
        var walk = SegmentWalk(
            reader, from: 0, size: min(size, listed?.bytes ?? size), durableBytes: size, checksEveryPayload: false)
        var end: UInt64?
        while true {
            switch try walk.next() {
            case .block(let header): end = header.nextSequence
            case .damage: end = nil
            case .torn: return nil
            case .end: return end
            }
        }
    }

    private var misplacedCoverage: RetortError {
        RetortError(
            .damagedData, "the index ends where no block of the \(lane.directoryName) does",
            at: context.layout.checkpoint, remedy: "The next run makes the index again.")
    }

    /// Keeps a journal whose lines should be in segments and are not.
    private func keepUnsettled(
        _ journal: JournalSurvey, below next: UInt64, _ tail: inout LaneTail
    ) throws(RetortError) {
        for path in journal.paths {
            let hashes = journal.goodLines[path, default: []].filter { $0.sequence < next }.map(\.hash)
            let missing = try index.withLock { index throws(RetortError) -> Int in
                guard lane.isOutcome else { return try index.lookup(hashes, in: lane).count { $0 == nil } }
                return try index.lookup(hashes).filter { entry in
                    entry.map { lane == .responses && $0.status != 0 } ?? true
                }.count
            }
            guard missing > 0 else { continue }
            tail.journalPaths.removeAll { $0 == path }
            let name = String(path.dropFirst(context.layout.directory(lane).count + 1))
            tail.damage.append(
                Damage(
                    lane: lane, segment: 0, file: name, range: 0..<0, records: missing,
                    reason: "\(missing) of its lines are in no segment, though their numbers are"))
        }
    }

    private func indexLeads(_ path: String) -> RetortError {
        RetortError(.damagedData, "the index knows more than the segment holds", at: path)
    }

    private func replay(_ number: UInt32, coverage: Coverage, tail: inout LaneTail) throws(RetortError) {
        let before = tail
        let reader = try context.segment(lane, number)
        let isCovered = number == coverage.segment
        let listed = manifest.segments(lane).first { $0.number == number }
        var size = try reader.file.size()
        // Bytes of a sealed segment beyond its length were abandoned and written again in the next one.
        if let listed, listed.sealed { size = min(size, listed.bytes) }
        if let limit, limit.segment == number { size = min(size, limit.offset) }
        tail.isSealed = listed?.sealed == true
        tail.size = size
        if isCovered, size < coverage.offset {
            throw indexLeads(reader.file.path)
        }
        tail.segment = number
        tail.offset = isCovered ? coverage.offset : 0
        tail.previousBytes = isCovered ? coverage.previousBytes : 0
        tail.hintBytes = isCovered ? coverage.hintBytes : 0
        var missing: [HintGroup] = []
        var hints = try HintLogReader(
            lane, number, from: tail.hintBytes, storeID: context.storeID, layout: context.layout,
            files: context.files)
        if hints == nil { tail.hintBytes = 0 }
        var walk = SegmentWalk(
            reader, from: tail.offset, size: size, durableBytes: max(tail.offset, listed?.bytes ?? 0),
            checksEveryPayload: false)
        var hint = try hints?.next()
        var hasBlocks = isCovered
        scan: while true {
            switch try walk.next() {
            case .block(let header):
                if !hasBlocks { index.withLock { $0.beginSegment(lane, number) } }
                hasBlocks = true
                while let stale = hint, stale.offset < header.offset {
                    if missing.isEmpty { tail.hintBytes = hints!.position }
                    hint = try hints?.next()
                }
                var group: HintGroup?
                if let hinted = hint, hinted.describes(header) {
                    if missing.isEmpty { tail.hintBytes = hints!.position } else { missing.append(hinted) }
                    group = hinted
                    hint = try hints?.next()
                } else {
                    group = try groupByReading(header, reader, &tail)
                    if let group { missing.append(group) }
                }
                if let group { try apply(group, header, durableBytes: walk.durableBytes, &tail) }
            case .damage(let damage):
                tail.damage.append(damage)
                tail.offset = damage.range.upperBound
            case .torn(let offset), .end(let offset):
                tail.offset = offset
                break scan
            }
        }
        tail.durableBytes = min(walk.durableBytes, tail.offset)
        if !hasBlocks, tail.offset > 0 {
            // Bytes without any block of the lane: they stay, and the lane continues elsewhere.
            let damage = tail.damage
            tail = before
            tail.damage = damage
        }
        writeHints(missing, number, &tail)
    }

    /// Indexes a block without a hint; nil if its content is damaged.
    private func groupByReading(
        _ header: BlockHeader, _ reader: SegmentReader, _ tail: inout LaneTail
    ) throws(RetortError) -> HintGroup? {
        do throws(RetortError) {
            if let group = context.hintGroup(of: try reader.block(header, codec: codec)) { return group }
        } catch {
            if error.code != .damagedData { throw error }
        }
        tail.damage.append(
            Damage(
                lane: lane, segment: header.segment, range: header.offset..<header.end, records: header.records,
                reason: "the block's content is damaged"))
        tail.offset = header.end
        tail.nextSequence = header.nextSequence
        return nil
    }

    /// Completes a hint log from the first missing block.
    private func writeHints(_ groups: [HintGroup], _ number: UInt32, _ tail: inout LaneTail) {
        guard mending?.writesHints == true, !groups.isEmpty else { return }
        do throws(RetortError) {
            var log = try HintLogWriter(lane, number, at: tail.hintBytes, context: context)
            for group in groups {
                try log.append(group)
                tail.hintBytes = log.bytes
            }
        } catch {
            // It stays incomplete; the blocks are read instead.
        }
        let hintBytes = tail.hintBytes
        index.withLock { $0.setHintBytes(lane, hintBytes) }
    }

    private func apply(
        _ group: HintGroup, _ header: BlockHeader, durableBytes: Int, _ tail: inout LaneTail
    ) throws(RetortError) {
        let hintBytes = tail.hintBytes
        let full = try index.withLock { index throws(RetortError) in
            try index.replay(group, hintBytes: hintBytes)
            return index[lane].delta.count >= context.tuning.replayEntriesMax && index.trouble == nil
        }
        tail.offset = header.end
        tail.previousBytes = header.memberBytes
        tail.nextSequence = header.nextSequence
        guard full else { return }
        try mending?.flush(FoundBytes(lane, header.segment, durableBytes: durableBytes, offset: header.end))
    }
}
