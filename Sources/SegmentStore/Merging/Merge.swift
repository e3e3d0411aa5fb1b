import Basics

/// One merge: decides, copies, and completes the index.
struct Merge {
    let sources: [MergeSource]
    private var manifest: StoreManifest
    let plan: MergePlan
    let workplace: MergeWorkplace
    let options: StoreOptions
    private let context: StoreContext
    let codec = BlockCodec(level: 1)
    private let index: MergeIndex
    private let worker: SerialWorker
    var lanes: [MergeLane]
    /// Maximum blocks with a position that are not in the index yet.
    private static let stepsMax = 512
    var twins: TwinRows
    private var lineage = Lineage()
    var report: MergeReport
    var progress = StoreProgress(bytes: 0, totalBytes: 0)

    init(
        _ sources: [MergeSource], plan: MergePlan, workplace: MergeWorkplace, options: StoreOptions,
        generatedID: @escaping ([UInt8]) -> [UInt8]?
    ) {
        twins = TwinRows(sources, generatedID: generatedID)
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
        report = MergeReport(sources: sources.map { MergeReport.Source(root: $0.root, mark: $0.mark) })
    }

    mutating func run(_ tell: (StoreProgress) -> Void) throws(RetortError) -> MergeReport {
        for source in sources {
            for lane in Lane.allCases {
                progress.totalBytes += try source.image.segmentEnds(lane).reduce(0) { $0 + $1.bytes }
            }
        }
        // However this ends, no thread is still writing afterwards.
        defer { worker.settle() }
        var decision = MergeDecision(sources, scratch: workplace.lists, options: options)
        try decision.decide(&report)
        for lane in Lane.outcomes {
            for source in sources.indices {
                try copy(lane, source, decision, tell)
                try copyJournaled(lane, source, decision)
            }
        }
        for lane in Lane.allCases where !lane.isOutcome { try copyBeside(lane, tell) }
        for lane in Lane.allCases { try copyArchive(lane) }
        try finish()
        return report
    }

    /// Copies what was superseded in the sources.
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
                var share = try sieve.share(of: header)
                var group: HintGroup?
                if share == nil || lane == .failures && !twins.settled.isEmpty { group = try groups.group(of: header) }
                if lane == .failures, let group { leaveOutSettled(of: group, &share, number) }
                if let group, share == nil {
                    let group = translation.translate(group)
                    try lanes[Int(lane.rawValue)].append(
                        member, header: header, hints: group.hints, tallies: group.tallies,
                        origin: source.origins(lane).origin(of: header.firstSequence))
                    report.sources[number].blocksCopied += 1
                    report.sources[number].bytesCopied += header.memberBytes
                } else if let share, !share.kept.isEmpty || !share.twins.isEmpty {
                    let block = try reader.block(header, codec: codec)
                    if try take(share, of: block, number, translation) { report.sources[number].blocksReencoded += 1 }
                }
                progress.bytes += header.memberBytes
                tell(progress)
            }
        }
    }

    /// Removes failures of a key whose success has appeared under a new id.
    private mutating func leaveOutSettled(of group: HintGroup, _ share: inout MergeDecision.Share?, _ source: Int) {
        let settled = group.hints.indices.filter { twins.settled.contains(group.hints[$0].hash) }
        guard !settled.isEmpty else { return }
        let kept = share?.kept ?? Array(group.hints.indices)
        let rest = kept.filter { !settled.contains($0) }
        report.sources[source].failed -= kept.count - rest.count
        report.sources[source].superseded += kept.count - rest.count
        share = MergeDecision.Share(kept: rest, twins: share?.twins ?? [])
    }

    /// Takes some lines of a block. False if none was taken.
    private mutating func take(
        _ share: MergeDecision.Share, of block: Block, _ source: Int, _ translation: Translation
    ) throws(RetortError) -> Bool {
        let home = sources[source].image.context
        let lane = block.header.lane
        guard let group = home.hintGroup(of: block) else {
            throw BlockCodec.damage("the block holds lines that are not records", home.layout.directory(lane))
        }
        let hints = translation.translate(group).hints
        let kept = Set(share.kept)
        var isAny = false
        for (record, range) in block.lineRanges.enumerated() {
            let origin = sources[source].origins(lane).origin(of: block.header.firstSequence + UInt64(record))
            if kept.contains(record) {
                try lanes[Int(lane.rawValue)].append(line: block.raw[range], hint: hints[record], origin: origin)
                isAny = true
            } else if share.twins.contains(record) {
                let line = Array(block.raw[range])
                isAny = try takeTwin(line, hints[record], lane, source, origin) || isAny
            }
        }
        return isAny
    }

    /// Takes a record under a new id, if it may be kept. False if it is dropped.
    private mutating func takeTwin(
        _ line: [UInt8], _ hint: RecordHint, _ lane: Lane, _ source: Int, _ origin: RecordOrigin
    ) throws(RetortError) -> Bool {
        guard let renamed = try twins.renamed(line, hint, in: lane, from: source, origin) else {
            report.sources[source].superseded += 1
            return false
        }
        try lanes[Int(lane.rawValue)].append(line: renamed.line[...], hint: renamed.hint, origin: origin)
        report.sources[source].renamed += 1
        if lane == .responses { report.sources[source].taken += 1 } else { report.sources[source].failed += 1 }
        return true
    }

    /// Copies lines that a killed run has left in its journals.
    private mutating func copyJournaled(
        _ lane: Lane, _ number: Int, _ decision: MergeDecision
    ) throws(RetortError) {
        let source = sources[number]
        let translation = Translation(plan, source.image.manifest)
        for journaled in source.image.tails[Int(lane.rawValue)].journaled {
            guard let head = journaled.line.withUnsafeBytes({ RecordHead.parse($0) }) else { continue }
            let hash = head.key.hash
            // Of several lines of a key the last one counts.
            guard source.journaled[lane]?[hash] == journaled.line else { continue }
            let fate = decision.fate(hash, lane, source: number)
            let hint = translation.translate(RecordHint(head: head, status: source.image.context.status(head)))
            let origin = source.origins(lane).origin(of: journaled.sequence)
            if fate.goesOn {
                guard lane == .responses || !twins.settled.contains(hash) else { continue }
                try lanes[Int(lane.rawValue)].append(line: journaled.line[...], hint: hint, origin: origin)
            } else if fate.isTwin {
                _ = try takeTwin(journaled.line, hint, lane, number, origin)
            }
        }
    }

    private mutating func finish() throws(RetortError) {
        var checkpoint = Checkpoint(storeID: context.storeID)
        for place in lanes.indices {
            let lane = lanes[place].lane
            checkpoint.coverage[lane] = try lanes[place].finish()
            for span in lanes[place].spans { lineage.note(span.origin, in: lane, from: span.from) }
            lineage.end[lane.directoryName] = checkpoint.coverage[lane]?.nextSequence
            checkpoint.runs[lane] = index[lane].runs.map(\.number)
            for segment in lanes[place].segments { manifest.setSegment(lane, segment) }
            checkpoint.counters += index[lane].counters
            report.bytes += lanes[place].bytes
            try context.files.syncDirectory(context.layout.directory(lane))
        }
        checkpoint.nextRunNumber = index.nextRun
        report.counters = checkpoint.counters
        manifest.lineage = lineage
        for source in sources { try source.checkUntouched() }
        try workplace.removeLists()
        try context.files.replace(context.layout.checkpoint, with: checkpoint.encoded(), in: context.layout.index)
        // The sum of the sources' marks.
        let mark = sources.reduce(0) { $0.addingSaturated(max(0, Int(clamping: $1.mark))) }
        if mark > 0 {
            let slot = MarkSlot(generation: 1, value: Int64(mark))
            try context.files.replace(
                context.layout.mark, with: slot.file(storeID: context.storeID), in: context.layout.root)
        }
        try manifest.save(context.layout, files: context.files)
    }
}

/// Translates a source's numbers in hints into the merged store's.
struct Translation {
    private let statusCodes: [UInt8]
    private let tallyPlaces: [Int]
    private let isIdentity: Bool

    init(_ plan: MergePlan, _ source: StoreManifest) {
        statusCodes = plan.statusCodes(of: source)
        tallyPlaces = plan.tallyPlaces(of: source)
        isIdentity =
            plan.manifest.failureClasses == source.failureClasses && plan.manifest.tallies == source.tallies
    }

    func translate(_ hint: RecordHint) -> RecordHint {
        var translated = hint
        translated.status = statusCodes[Int(hint.status)]
        return translated
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
