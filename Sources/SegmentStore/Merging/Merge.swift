import Basics

/// One merge: decides, copies, and completes the index.
struct Merge {
    private let sources: [LockedStore]
    private var manifest: StoreManifest
    private let plan: MergePlan
    private let workplace: MergeWorkplace
    private let options: StoreOptions
    private let context: StoreContext
    private let codec = BlockCodec(level: 1)
    private let index: MergeIndex
    private let worker: SerialWorker
    private var lanes: [MergeLane]
    /// Blocks whose place is known and that are not in the index yet.
    private static let stepsMax = 512
    private var report: MergeReport
    private var progress = StoreProgress(bytes: 0, totalBytes: 0)

    init(_ sources: [LockedStore], plan: MergePlan, workplace: MergeWorkplace, options: StoreOptions) {
        self.sources = sources
        self.plan = plan
        self.workplace = workplace
        self.options = options
        manifest = plan.manifest
        let context = StoreContext(root: workplace.layout.root, manifest: manifest, options: options)
        self.context = context
        let (index, worker) = (
            MergeIndex(context: context), SerialWorker(onThread: options.usesThread, stepsMax: Merge.stepsMax)
        )
        self.index = index
        self.worker = worker
        lanes = Lane.allCases.map {
            MergeLane($0, index: index, worker: worker, context: context, options: options)
        }
        report = MergeReport(sources: sources.map { MergeReport.Source(root: $0.root) })
    }

    mutating func run(_ tell: (StoreProgress) -> Void) throws(RetortError) -> MergeReport {
        for source in sources {
            for lane in Lane.allCases {
                progress.totalBytes += try source.image.segmentEnds(lane).reduce(0) { $0 + $1.bytes }
            }
        }
        // However this ends, nothing writes behind the caller's back.
        defer { worker.settle() }
        var decision = MergeDecision(sources, scratch: workplace.lists, options: options)
        try decision.decide(&report)
        for lane in Lane.allCases {
            for source in sources.indices { try copy(lane, source, decision, tell) }
        }
        for lane in Lane.allCases { try copyArchive(lane) }
        try finish()
        return report
    }

    /// What was superseded in any source stays that.
    private func copyArchive(_ lane: Lane) throws(RetortError) {
        var archive = try ArchiveWriter(lane, context: context, layout: context.layout.archive, options: options)
        for source in sources {
            for reader in try source.image.context.archiveSegments(lane) {
                var members = MemberCursor(reader, end: try reader.file.size())
                while let (header, member) = try members.next() { try archive.append(member, header: header) }
            }
        }
        try archive.finish()
        if !archive.numbers.isEmpty { try context.files.syncDirectory(context.layout.archive.directory(lane)) }
    }

    private mutating func copy(
        _ lane: Lane, _ number: Int, _ decision: MergeDecision, _ tell: (StoreProgress) -> Void
    ) throws(RetortError) {
        let source = sources[number]
        let home = source.image.context
        let translation = Translation(plan, source.image.manifest)
        var sieve = try decision.sieve(lane, source: number)
        for (segment, end) in try source.image.segmentEnds(lane) {
            let reader = try home.segment(lane, segment)
            let members = MembersAhead(MemberCursor(reader, end: end), onThread: options.usesThread)
            var groups = try BlockHints(reader, context: home, codec: codec)
            while let (header, member) = try members.next() {
                let kept = try sieve.kept(of: header)
                if kept == nil {
                    let group = translation.translate(try groups.group(of: header))
                    try lanes[Int(lane.rawValue)].append(
                        member, header: header, hints: group.hints, tallies: group.tallies)
                    report.sources[number].blocksCopied += 1
                    report.sources[number].bytesCopied += header.memberBytes
                } else if let kept, !kept.isEmpty {
                    try take(kept, of: try reader.block(header, codec: codec), home, translation)
                    report.sources[number].blocksReencoded += 1
                }
                progress.bytes += header.memberBytes
                tell(progress)
            }
        }
    }

    /// Takes some lines of a block.
    private mutating func take(
        _ kept: [Int], of block: Block, _ home: StoreContext, _ translation: Translation
    ) throws(RetortError) {
        guard let group = home.hintGroup(of: block) else {
            throw BlockCodec.damage(
                "the block holds lines that are no records", home.layout.directory(block.header.lane))
        }
        let hints = translation.translate(group).hints
        let ranges = block.lineRanges
        for record in kept {
            try lanes[Int(block.header.lane.rawValue)].append(
                line: block.raw[ranges[record]], hint: hints[record])
        }
    }

    private mutating func finish() throws(RetortError) {
        var checkpoint = Checkpoint(storeID: context.storeID)
        for place in lanes.indices {
            let lane = lanes[place].lane
            checkpoint.coverage[lane] = try lanes[place].finish()
            checkpoint.runs[lane] = index[lane].runs.map(\.number)
            for segment in lanes[place].segments { manifest.setSegment(lane, segment) }
            checkpoint.counters += index[lane].counters
            report.bytes += lanes[place].bytes
            try context.files.syncDirectory(context.layout.directory(lane))
        }
        checkpoint.nextRunNumber = index.nextRun
        report.counters = checkpoint.counters
        try workplace.removeLists()
        try context.files.replace(context.layout.checkpoint, with: checkpoint.encoded(), in: context.layout.index)
        try manifest.save(context.layout, files: context.files)
    }
}

/// Turns what hints say in a source's numbers into the merged store's.
private struct Translation {
    private let statusCodes: [UInt8]
    private let tallyPlaces: [Int]
    private let isIdentity: Bool

    init(_ plan: MergePlan, _ source: StoreManifest) {
        statusCodes = plan.statusCodes(of: source)
        tallyPlaces = plan.tallyPlaces(of: source)
        isIdentity =
            plan.manifest.failureClasses == source.failureClasses && plan.manifest.tallies == source.tallies
    }

    func translate(_ group: HintGroup) -> HintGroup {
        if isIdentity { return group }
        var translated = group
        for index in group.hints.indices {
            translated.hints[index].status = statusCodes[Int(group.hints[index].status)]
        }
        translated.tallies = Tallies()
        for (index, place) in tallyPlaces.enumerated() { translated.tallies[place] = group.tallies[index] }
        return translated
    }
}

extension StoreCounters {
    static func += (a: inout StoreCounters, b: StoreCounters) {
        a.done += b.done
        a.failed += b.failed
        for index in a.failedByClass.indices { a.failedByClass[index] += b.failedByClass[index] }
        a.tallies += b.tallies
    }
}
