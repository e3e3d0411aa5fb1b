import Basics

extension Merge {
    /// Copies rounds and verdicts of all sources, in the order in which these were named: they are kept whatever
    /// happens to an item's outcome. A round of one store that two sources have is copied once.
    mutating func copyBeside(_ lane: Lane, _ tell: (StoreProgress) -> Void) throws(RetortError) {
        var shared = try SharedRecords(lane, sources, scratch: workplace.lists, options: options)
        for source in sources.indices { try copyBeside(lane, source, &shared, tell) }
    }

    private mutating func copyBeside(
        _ lane: Lane, _ number: Int, _ shared: inout SharedRecords, _ tell: (StoreProgress) -> Void
    ) throws(RetortError) {
        let source = sources[number]
        let home = source.image.context
        let translation = Translation(plan, source.image.manifest)
        for (segment, end) in try source.image.segmentEnds(lane) {
            let reader = try home.segment(lane, segment)
            let members = MembersAhead(MemberCursor(reader, end: end), onThread: options.usesThread)
            var groups = try BlockHints(reader, context: home, codec: codec)
            while let (header, member) = try members.next() {
                let group = translation.translate(try groups.group(of: header))
                let mayDiffer = try shared.isAny(of: group)
                if mayDiffer || twins.hasNames(from: number) {
                    try takeBeside(try reader.block(header, codec: codec), number, translation, &shared)
                } else {
                    try lanes[lane.place].append(
                        member, header: header, hints: group.hints, tallies: group.tallies,
                        origin: source.origins(lane).origin(of: header.firstSequence))
                    count(lane, group.hints.count, number)
                    report.sources[number].blocksCopied += 1
                    report.sources[number].bytesCopied += header.memberBytes
                }
                progress.bytes += header.memberBytes
                tell(progress)
            }
        }
        for journaled in source.image.tails[lane.place].journaled {
            guard let hint = home.hint(of: journaled.line) else { continue }
            let origin = source.origins(lane).origin(of: journaled.sequence)
            try takeBeside(journaled.line, translation.translate(hint), lane, number, origin, &shared)
        }
    }

    private mutating func takeBeside(
        _ block: Block, _ number: Int, _ translation: Translation, _ shared: inout SharedRecords
    ) throws(RetortError) {
        let (source, lane) = (sources[number], block.header.lane)
        guard let group = source.image.context.hintGroup(of: block) else {
            throw BlockCodec.damage(
                "the block holds lines that are not records", source.image.context.layout.directory(lane))
        }
        let hints = translation.translate(group).hints
        for (record, range) in block.lineRanges.enumerated() {
            let origin = source.origins(lane).origin(of: block.header.firstSequence + UInt64(record))
            try takeBeside(Array(block.raw[range]), hints[record], lane, number, origin, &shared)
        }
        report.sources[number].blocksReencoded += 1
    }

    private mutating func takeBeside(
        _ line: [UInt8], _ hint: RecordHint, _ lane: Lane, _ number: Int, _ origin: RecordOrigin,
        _ shared: inout SharedRecords
    ) throws(RetortError) {
        // If the item's outcome was renamed, so is this record.
        let (line, hint) = twins.followed(line, hint, from: number, origin)
        guard try shared.isNew(line, hint, origin, from: number) else { return }
        try lanes[lane.place].append(line: line[...], hint: hint, origin: origin)
        count(lane, 1, number)
    }

    private mutating func count(_ lane: Lane, _ records: Int, _ source: Int) {
        if lane == .rounds {
            report.sources[source].rounds += records
        } else {
            report.sources[source].verdicts += records
        }
    }
}

/// Distinguishes rounds that several sources share, because one is a copy or continuation of another, from rounds that
/// were each paid for. In bounded memory.
struct SharedRecords {
    /// Keys that several sources have.
    private var keys: KeyList
    /// The copied records of such keys: each by its line and store, with its source.
    private var seen: KeyList

    init(_ lane: Lane, _ sources: [MergeSource], scratch: StoreLayout, options: StoreOptions) throws(RetortError) {
        let entriesMax = options.tuning.deltaEntriesMax
        keys = KeyList(firstRun: 1 << 48, layout: scratch, files: options.files, entriesMax: entriesMax)
        seen = KeyList(firstRun: 1 << 49, layout: scratch, files: options.files, entriesMax: entriesMax)
        // Of verdicts the last one counts, from whichever source.
        guard lane == .rounds else { return }
        var cursors: [any SortedEntries] = []
        for source in sources { cursors.append(try source.entries(lane)) }
        var merge = try KeyMerge(cursors)
        var holders: [KeyMerge.Holder] = []
        while try merge.next(&holders) {
            if holders.count > 1 { try keys.note(Self.entry(holders[0].entry.hash, source: 0)) }
        }
    }

    private static func entry(_ hash: Hash128, source: Int) -> IndexEntry {
        IndexEntry(
            hash: hash, segment: UInt32(source), offset: 0, record: 0, status: 0, attempts: 0, fingerprint: 0)
    }

    /// Whether a block contains a record that another source may have too.
    func isAny(of group: HintGroup) throws(RetortError) -> Bool {
        if keys.isEmpty { return false }
        for hint in group.hints where try keys.contains(hint.hash) { return true }
        return false
    }

    /// Whether no earlier source had this record. Notes it.
    mutating func isNew(
        _ line: [UInt8], _ hint: RecordHint, _ origin: RecordOrigin, from source: Int
    ) throws(RetortError) -> Bool {
        if keys.isEmpty { return true }
        guard try keys.contains(hint.hash) else { return true }
        let store = Array(origin.store.utf8).withUnsafeBytes { ContentHash.hash64($0) }
        let identity = line.withUnsafeBytes { ContentHash.hash128($0, seed: store) }
        if let known = try seen.entry(identity) { return known.segment == UInt32(source) }
        try seen.note(Self.entry(identity, source: source))
        return true
    }
}
