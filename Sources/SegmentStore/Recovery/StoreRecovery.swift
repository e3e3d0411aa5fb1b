import Basics

/// What opening a store for writing had to do.
public struct RecoveryReport: Sendable, Hashable {
    /// Records that were only in a journal and are now in a segment.
    public var recoveredRecords = 0
    /// Bytes of torn writes that were cut off.
    public var tornBytes = 0
    /// Journal lines that did not pass their check: the torn end of a write.
    public var badJournalLines = 0
    /// Unreadable parts of segments; their records are pending again.
    public var damage: [Damage] = []
    /// Whether the index was rebuilt from hints and segments.
    public var indexWasRebuilt = false

    public var isClean: Bool { self == RecoveryReport() }
}

/// Repairs what a kill or a power cut left, in an order that may itself be interrupted anywhere and repeated.
struct StoreRecovery {
    let image: StoreImage
    let options: StoreOptions

    private var context: StoreContext { image.context }

    /// Cuts torn tails, and bytes after the end of a sealed segment: its sync had failed, and they were written again
    /// elsewhere. Run before anything is appended.
    func cutTails() throws(RetortError) -> Int {
        var torn = 0
        for lane in Lane.allCases {
            for segment in image.manifest.segments(lane) where segment.sealed {
                let path = context.layout.segment(lane, segment.number)
                guard let size = try context.files.size(of: path), size > segment.bytes,
                    try isAbandoned(lane, segment)
                else { continue }
                torn += size - segment.bytes
                try context.files.open(path, .readWrite).truncate(to: segment.bytes)
            }
            let tail = image.tails[Int(lane.rawValue)]
            let isEmpty = tail.segment > 0 && tail.offset == 0
            guard tail.size > tail.offset || isEmpty else { continue }
            torn += tail.size - tail.offset
            let path = context.layout.segment(lane, tail.segment)
            if isEmpty {
                // Never leave an empty .gz behind.
                try context.files.remove(path)
            } else {
                try context.files.open(path, .readWrite).truncate(to: tail.offset)
            }
        }
        return torn
    }

    /// Whether the bytes after the end of a sealed segment are a torn write, or also in a later segment or a journal.
    /// Other bytes are left alone: the manifest may be wrong.
    private func isAbandoned(_ lane: Lane, _ segment: StoreManifest.Segment) throws(RetortError) -> Bool {
        guard let reader = try context.segmentIfThere(lane, segment.number) else { return false }
        guard let header = try reader.header(at: segment.bytes) else { return try ends(reader, at: segment.bytes) }
        let journaled = image.tails[Int(lane.rawValue)].journaled
        if journaled.contains(where: { $0.sequence == header.firstSequence }) { return true }
        guard let later = try context.segmentNumbers(lane).first(where: { $0 > segment.number }) else { return false }
        let first = try context.segment(lane, later).header(at: 0)
        return first.map { $0.firstSequence <= header.firstSequence } ?? false
    }

    /// Whether a segment's good blocks end at that place.
    private func ends(_ reader: SegmentReader, at end: Int) throws(RetortError) -> Bool {
        var walk = SegmentWalk(reader, from: 0, size: end, durableBytes: end, checksEveryPayload: false)
        while true {
            switch try walk.next() {
            case .block: continue
            case .damage(let damage): if damage.range.upperBound == end { return false }
            case .end: return true
            case .torn: return false
            }
        }
    }

    /// Moves the journals' lines to segments, makes them durable, and only then removes the journals.
    func sealJournals(_ sealer: inout Sealer) throws(RetortError) -> (records: Int, nextSequences: [UInt64]) {
        var records = 0
        var nextSequences: [UInt64] = []
        let packers = PackingThreads(options, writesChecks: context.writesChecks, givesWay: false)
        defer { packers?.stop() }
        for lane in Lane.allCases {
            let tail = image.tails[Int(lane.rawValue)]
            var next = tail.nextSequence
            var blocks = try blocks(lane, tail.journaled)
            for place in blocks.indices { blocks[place].packing = packers?.submit(blocks[place].raw) }
            for block in blocks {
                try sealer.seal(block)
                records += block.hints.count
                next = block.nextSequence
            }
            nextSequences.append(next)
        }
        try sealer.sync()
        for tail in image.tails {
            for path in tail.journalPaths { try context.files.remove(path) }
        }
        return (records, nextSequences)
    }

    /// Blocks of consecutive lines, cut at the usual size and at gaps in the numbering.
    private func blocks(_ lane: Lane, _ lines: [JournaledLine]) throws(RetortError) -> [RawBlock] {
        var blocks: [RawBlock] = []
        for journaled in lines {
            guard let hint = context.hint(of: journaled.line), try isNew(hint, in: lane) else { continue }
            let tallies = context.recount(journaled.line)
            let prior = try image.index.withLock { index throws(RetortError) in
                let prior = try index.prior(hint.hash, in: lane)
                index.note(hint, in: lane, prior: prior, tallies: tallies)
                return prior
            }
            let isFull = blocks.last.map {
                $0.nextSequence != journaled.sequence || $0.raw.count >= options.blockRawBytes
                    || $0.hints.count >= StoreLimits.blockRecordsMax
            }
            if isFull ?? true { blocks.append(RawBlock(lane: lane, firstSequence: journaled.sequence)) }
            let last = blocks.count - 1
            blocks[last].raw.append(contentsOf: journaled.line)
            blocks[last].raw.append(0x0A)
            blocks[last].hints.append(hint)
            blocks[last].priors.append(prior)
            blocks[last].tallies += tallies
        }
        return blocks
    }

    /// Whether a record adds to what is known. A success after a success of its key would be a second one.
    private func isNew(_ hint: RecordHint, in lane: Lane) throws(RetortError) -> Bool {
        guard lane == .responses else { return true }
        return try image.index.withLock { index throws(RetortError) in
            try index.responses.lookup(hint.hash) == nil
        }
    }

    /// Removes runs that no checkpoint names, and unfinished replacements of files.
    func removeStrays() throws(RetortError) {
        try Superseding.removeStrays(context.layout, context.files)
        let live = image.index.withLock { index in
            Set(Lane.allCases.flatMap { index[$0].runs.map(\.number) })
        }
        for name in try context.files.entries(of: context.layout.index) {
            if let number = StoreLayout.runNumber(name), !live.contains(number) {
                try context.files.removeRegular(context.layout.index + "/" + name)
            }
        }
    }
}
