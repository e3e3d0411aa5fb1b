public import Basics

/// What a repair found and did.
public struct RepairReport: Sendable, Hashable {
    /// The deep verification that the repair began with.
    public var found: VerificationReport
    /// Ranges of segments that were moved to `quarantine/`.
    public var quarantined = 0
    public var quarantinedBytes = 0
    /// Records that are no longer in the segments, as far as headers tell: of damaged blocks, damaged lines, and second
    /// successes.
    public var recordsDropped = 0
    /// Records of damaged blocks that were recovered from a journal.
    public var recordsSalvaged = 0
    /// Records of damaged blocks that are kept, because a checksum proves them.
    public var recordsProven = 0
    /// Damaged blocks in which a single flipped bit was corrected.
    public var blocksCorrected = 0
    public var segmentsRewritten = 0
    /// Segments that were missing or shorter than they had been, and are accepted as they are.
    public var lossesAccepted = 0
    /// Exact counts of the store as it is now.
    public var counters = StoreCounters()

    /// Whether there was nothing to repair, and nothing was changed.
    public var wasClean: Bool { found.isClean }
}

/// Repairs a damaged store.
public enum StoreRepair {
    /// Verifies the store, deeply, and repairs what is wrong, under the store's lock.
    ///
    /// Damaged blocks are moved from their segments to `quarantine/`; intact ones are copied unchanged. A single
    /// flipped bit in a block is corrected, and of other damaged blocks the lines that a checksum proves are kept. Of
    /// two successes of a key the first is kept. Missing or shortened segments are accepted. The index is rebuilt, and
    /// the progress in the input is forgotten, so that the next run sends again what was lost. Nothing readable is
    /// discarded. If it is killed at any moment, run it again; a second repair finds nothing to do.
    ///
    /// Throws `.busy` if the store is being written, `.damagedData` if its manifest cannot be read.
    public static func run(
        _ root: String, options: StoreOptions = StoreOptions(), progress: (StoreProgress) -> Void = { _ in }
    ) throws(RetortError) -> RepairReport {
        let layout = StoreLayout(root: root)
        _ = try StoreManifest.load(layout, files: options.files)
        let lock = try options.files.lock(layout.lock)
        defer { lock.release() }
        _ = try Superseding.finish(layout, options.files)
        try removeUnfinished(layout, options.files)
        let found = try StoreVerification.run(
            root, options: options, deep: true, holdsLock: true, progress: progress)
        var report = RepairReport(found: found)
        report.counters = found.counters
        if found.isClean {
            if found.unfinishedBytes > 0 || found.unfinishedJournalLines > 0 {
                // Opening repairs what was interrupted.
                try RecordStore(root, options: options.inPlace, lock: BorrowedLock()).close()
            }
            return report
        }
        var repair = try Repair(root: root, options: options, report: report)
        try repair.run()
        return repair.report
    }

    /// Whether a repair gives that name to an unfinished file: a segment, part of one, and others.
    static func isUnfinished(_ name: String) -> Bool {
        guard name.hasSuffix(".tmp") else { return false }
        let final = String(name.dropLast(".tmp".count))
        return StoreLayout.segmentNumber(final) != nil || Quarantine.isStretch(final)
    }

    /// Files that an earlier repair was writing when it was killed.
    private static func removeUnfinished(_ layout: StoreLayout, _ files: any FileSystem) throws(RetortError) {
        for directory in Lane.allCases.map({ layout.directory($0) }) + [layout.quarantine] {
            for name in try files.entries(of: directory) where isUnfinished(name) {
                try files.removeRegular(directory + "/" + name)
            }
        }
    }
}

/// One repair of a locked store.
private struct Repair {
    let root: String
    let options: StoreOptions
    var report: RepairReport
    private var manifest: StoreManifest
    private let context: StoreContext
    private var quarantine: Quarantine
    private let codec: BlockCodec
    private let lines: BlockLines
    private var hashingLeft = BlockRescue.hashingMax

    init(root: String, options: StoreOptions, report: RepairReport) throws(RetortError) {
        self.root = root
        self.options = options
        self.report = report
        let layout = StoreLayout(root: root)
        manifest = try StoreManifest.load(layout, files: options.files)
        context = StoreContext(root: root, manifest: manifest, options: options)
        quarantine = Quarantine(layout: layout, files: options.files)
        codec = BlockCodec(level: options.compressionLevel, writesChecks: context.writesChecks)
        lines = BlockLines(context)
    }

    private func found(_ kinds: VerificationReport.Problem.Kind...) -> Bool {
        kinds.contains { report.found.problemCounts[$0] != nil }
    }

    mutating func run() throws(RetortError) {
        // The store cannot be opened for writing while the mark is invalid.
        if found(.mark) { try quarantine.keepMark() }
        let touchesSegments = found(.segment, .block, .line, .duplicate)
        let distrustsHints = found(.hints, .entry, .counters)
        // Before anything is rewritten: what is shorter afterwards was not lost.
        report.lossesAccepted = try countLosses()
        // The index must not lead to positions that are about to change.
        try StoreReindex.drop(context.layout, context.files, hints: distrustsHints)
        if touchesSegments {
            for lane in Lane.allCases { try cutDamage(lane) }
            try cutArchive()
        }
        if touchesSegments || found(.manifest) { try acceptSegments() }
        try reindex()
        if touchesSegments, try cutDuplicates() {
            try StoreReindex.drop(context.layout, context.files, hints: false)
            try acceptSegments()
            try reindex()
        }
        // Their good lines are in segments by now.
        if found(.journal, .segment) {
            let noted = report.found.problems.filter { $0.kind == .journal }.map(\.place)
            try quarantine.keepStrays(of: context, noted: noted)
        }
        report.quarantined = quarantine.count
        report.quarantinedBytes = quarantine.bytes
    }

    /// Segments that are missing, or shorter than the manifest says.
    private func countLosses() throws(RetortError) -> Int {
        var count = 0
        for lane in Lane.allCases {
            for segment in manifest.segments(lane) {
                if try context.segmentBytes(lane, segment.number) ?? 0 < segment.bytes { count += 1 }
            }
        }
        return count
    }

    private mutating func reindex() throws(RetortError) {
        report.counters = try StoreReindex.rebuild(root, options: options, from: .hints, lock: BorrowedLock()).counters
        manifest = try StoreManifest.load(context.layout, files: context.files)
    }

    /// Removes damaged blocks, and lines that are not records.
    private mutating func cutDamage(_ lane: Lane) throws(RetortError) {
        let journal = try JournalSurvey.read(
            lane, from: 0, storeID: context.storeID, layout: context.layout, files: context.files)
        let journaled = Dictionary(journal.lines.map { ($0.sequence, $0.line) }, uniquingKeysWith: { a, _ in a })
        let lines = self.lines
        try operate(lane, journaled: journaled) { block throws(RetortError) in lines.verdict(on: block, in: lane) }
    }

    /// The same for superseded records. Nothing depends on them.
    private mutating func cutArchive() throws(RetortError) {
        let archive = StoreContext(root: context.layout.archive.root, manifest: manifest, options: options)
        let lines = self.lines
        for lane in Lane.allCases {
            for reader in try context.archiveSegments(lane) {
                let size = try reader.file.size()
                let surgery = SegmentSurgery(
                    context: archive, reader: reader, size: size, durableBytes: size, journaled: [:], codec: codec)
                let outcome = try surgery.perform(quarantine: &quarantine, hashingLeft: &hashingLeft) { block in
                    lines.verdict(on: block, in: lane)
                }
                if outcome.isChanged { report.segmentsRewritten += 1 }
                report.blocksCorrected += outcome.blocksCorrected
            }
        }
    }

    /// Removes successes of keys with an earlier one. True if there were any.
    private mutating func cutDuplicates() throws(RetortError) -> Bool {
        let image = try StoreImage.load(root, options: options, mends: false)
        let before = report.segmentsRewritten
        try operate(.responses, journaled: [:]) { block throws(RetortError) in
            var kept: [Range<Int>] = []
            for (number, range) in block.lineRanges.enumerated() {
                guard let head = block.raw[range].withUnsafeBytes({ RecordHead.parse($0) }) else { continue }
                let entry = try image.index.withLock { index throws(RetortError) in
                    try index.responses.lookup(head.key.hash)
                }
                let place = RecordPlace(
                    segment: block.header.segment, offset: UInt32(block.header.offset), record: UInt16(number))
                if entry?.place == place { kept.append(range) }
            }
            return kept.count == block.header.records ? .keep : .keepLines(kept, of: block.raw)
        }
        return report.segmentsRewritten > before
    }

    private mutating func operate(
        _ lane: Lane, journaled: [UInt64: [UInt8]],
        judge: (Block) throws(RetortError) -> SegmentSurgery.Verdict
    ) throws(RetortError) {
        let numbers = try context.segmentNumbers(lane)
        for number in numbers {
            let reader = try context.segment(lane, number)
            let listed = manifest.segments(lane).first { $0.number == number }
            var size = try reader.file.size()
            if let listed, listed.sealed { size = min(size, listed.bytes) }
            let surgery = SegmentSurgery(
                context: context, reader: reader, size: size,
                durableBytes: number == numbers.last ? min(size, listed?.bytes ?? 0) : size, journaled: journaled,
                codec: codec)
            let outcome = try surgery.perform(quarantine: &quarantine, hashingLeft: &hashingLeft, judge: judge)
            guard outcome.isChanged else { continue }
            report.segmentsRewritten += 1
            report.recordsDropped += outcome.recordsDropped
            report.recordsSalvaged += outcome.recordsSalvaged
            report.recordsProven += outcome.recordsProven
            report.blocksCorrected += outcome.blocksCorrected
        }
    }

    /// Writes the existing segments into the manifest. The newest segment of a lane is open again, whatever came after
    /// it.
    private mutating func acceptSegments() throws(RetortError) {
        for lane in Lane.allCases {
            let last = try context.segmentNumbers(lane).last
            var segments: [StoreManifest.Segment] = []
            for var segment in manifest.segments(lane) {
                guard let size = try context.segmentBytes(lane, segment.number) else { continue }
                segment.bytes = segment.sealed ? size : min(size, segment.bytes)
                if segment.number == last { segment.sealed = false }
                segments.append(segment)
            }
            manifest.segments[lane.directoryName] = segments
        }
        // Row numbers may have been lost with their records: no ledger may be built from the remaining ones.
        manifest.forgetRows(.repair)
        try manifest.save(context.layout, files: context.files)
    }
}
