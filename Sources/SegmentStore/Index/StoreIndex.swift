import Basics

/// The index of a store, with its counters. A value behind one lock.
///
/// Two sets of counters are kept. `live` counts a record as soon as it is in the journal. `placed` counts it when its
/// block is in a segment: only that may be in a checkpoint, since a power cut can still take the journal.
struct StoreIndex {
    private(set) var responses = LaneIndex(.responses)
    private(set) var failures = LaneIndex(.failures)
    private(set) var rounds = LaneIndex(.rounds)
    private(set) var verdicts = LaneIndex(.verdicts)
    private(set) var live = StoreCounters()
    private(set) var placed = StoreCounters()
    /// How far each lane's blocks are in the index.
    private(set) var coverage: [Lane: Coverage] = [:]
    private(set) var input = InputProgress()
    /// By lane, the sequence number from which row numbers belong to the current input.
    private var inputSince = [UInt64](repeating: 0, count: Lane.allCases.count)
    private var trail = LandmarkTrail()
    /// Lookups since the runs' pages were released.
    private var lookupsHeld = 0
    var nextRunNumber: UInt64 = 1
    /// Why the last attempt to write runs and a checkpoint failed.
    var trouble: RetortError?
    /// An index file found damaged by a lookup: no checkpoint may name it any more.
    var damage: RetortError?
    private let context: StoreContext

    init(_ context: StoreContext) { self.context = context }

    /// The state of a checkpoint, with its runs opened. Throws `.damagedData` if they are inconsistent.
    init(_ context: StoreContext, checkpoint: Checkpoint) throws(RetortError) {
        self.context = context
        for lane in Lane.allCases {
            var runs: [Run] = []
            for number in checkpoint.runs[lane] ?? [] {
                runs.append(
                    try Run(
                        number: number, lane: lane, storeID: context.storeID, layout: context.layout,
                        files: context.files))
            }
            self[lane].adopt(runs)
        }
        live = checkpoint.counters
        placed = checkpoint.counters
        coverage = checkpoint.coverage
        input = checkpoint.input
        nextRunNumber = checkpoint.nextRunNumber
        // A landmark beyond the mark would skip rows.
        if input.landmark.row > input.ledger.low / UInt64(context.samples) { input = InputProgress() }
        // In responses and rounds each key is in one run; in the other lanes it may be in several, and failures may be
        // settled.
        guard responses.runEntries == live.done, failures.runEntries >= live.failed,
            rounds.runEntries <= live.rounds, (rounds.runEntries == 0) == (live.rounds == 0),
            verdicts.runEntries >= live.verdicts, (verdicts.runEntries == 0) == (live.verdicts == 0)
        else {
            throw RetortError(
                .damagedData, "the checkpoint and the runs of the index do not fit together",
                at: context.layout.checkpoint, remedy: "The next run makes the index again.")
        }
    }

    subscript(lane: Lane) -> LaneIndex {
        get {
            switch lane {
            case .responses: responses
            case .failures: failures
            case .rounds: rounds
            case .verdicts: verdicts
            }
        }
        _modify {
            switch lane {
            case .responses: yield &responses
            case .failures: yield &failures
            case .rounds: yield &rounds
            case .verdicts: yield &verdicts
            }
        }
    }

    /// The valid outcome of a key: its success, or else its newest failure.
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        if let success = try responses.lookup(hash) { return success }
        return failures.isEmpty ? nil : try failures.lookup(hash)
    }

    /// The same for several keys, in their order.
    func lookup(_ hashes: [Hash128]) throws(RetortError) -> [IndexEntry?] {
        var batch = LookupBatch(hashes)
        try responses.lookup(&batch)
        if !failures.isEmpty { try failures.lookup(&batch) }
        return batch.entries
    }

    /// The index's entry for a key in one lane: of a round the first record, of a verdict the latest.
    func lookup(_ hash: Hash128, in lane: Lane) throws(RetortError) -> IndexEntry? {
        self[lane].isEmpty ? nil : try self[lane].lookup(hash)
    }

    /// The same for several keys, in their order.
    func lookup(_ hashes: [Hash128], in lane: Lane) throws(RetortError) -> [IndexEntry?] {
        var batch = LookupBatch(hashes)
        if !self[lane].isEmpty { try self[lane].lookup(&batch) }
        return batch.entries
    }

    /// What a key is found by.
    func lookup(_ key: RecordKey) throws(RetortError) -> IndexEntry? {
        switch key.part {
        case .outcome: try lookup(key.hash)
        case .round: try lookup(key.hash, in: .rounds)
        case .verdict: try lookup(key.hash, in: .verdicts)
        }
    }

    /// What a record supersedes: the status byte of the key's failure, or 0. A failure that appears after the key's
    /// success, because a crash has left it in a journal, supersedes nothing and does not count. In the other lanes:
    /// the status byte of an earlier record with the key.
    func prior(_ hash: Hash128, in lane: Lane) throws(RetortError) -> UInt8 {
        guard lane.isOutcome else { return try lookup(hash, in: lane)?.status ?? 0 }
        if lane == .failures, try responses.lookup(hash) != nil { return StoreCounters.settled }
        return failures.isEmpty ? 0 : try failures.lookup(hash)?.status ?? 0
    }

    /// A record is in the journal. `prior` is what it supersedes.
    mutating func note(_ hint: RecordHint, in lane: Lane, prior: UInt8, tallies: Tallies) {
        live.count(lane, status: hint.status, prior: prior)
        live[lane] += tallies
        if lane != .rounds || prior == 0 { self[lane].note(hint.pendingEntry) }
    }

    /// A block of noted records is in its segment.
    mutating func place(_ group: HintGroup, priors: [UInt8], hintBytes: Int) {
        for (number, hint) in group.hints.enumerated() {
            placed.count(group.lane, status: hint.status, prior: priors[number])
            if group.lane == .rounds, priors[number] != 0 { continue }
            self[group.lane].insert(hint.entry(segment: group.segment, offset: group.offset, record: number))
            self[group.lane].settle(hint.hash)
            noteItem(hint, in: group.lane, sequence: group.firstSequence + UInt64(number))
        }
        placed[group.lane] += group.tallies
        advance(past: group, hintBytes: hintBytes)
    }

    /// A block was moved; `old` is the previous position of its first record.
    mutating func move(_ group: HintGroup, from old: RecordPlace, hintBytes: Int) {
        for (number, hint) in group.hints.enumerated() {
            if group.lane == .rounds, let first = try? rounds.lookupPlaced(hint.hash),
                first.place != RecordPlace(segment: old.segment, offset: old.offset, record: UInt16(number))
            {
                continue
            }
            self[group.lane].insert(hint.entry(segment: group.segment, offset: group.offset, record: number))
        }
        advance(past: group, hintBytes: hintBytes)
    }

    /// Indexes a block found on disk. Responses must be replayed before failures.
    mutating func replay(_ group: HintGroup, hintBytes: Int) throws(RetortError) {
        let priors = try replayPriors(of: group)
        for (number, hint) in group.hints.enumerated() {
            let entry = hint.entry(segment: group.segment, offset: group.offset, record: number)
            // A key may occur again within the block; the table has it by then.
            let again = self[group.lane].delta[hint.hash]
            switch group.lane {
            case .responses:
                // Of two successes of one key the first counts.
                if priors[number] == StoreCounters.settled || again != nil { break }
                countReplayed(hint, group.lane, prior: priors[number])
                self[group.lane].insert(entry)
            case .failures:
                let isSettled = priors[number] == StoreCounters.settled
                countReplayed(hint, group.lane, prior: isSettled ? priors[number] : again?.status ?? priors[number])
                self[group.lane].insert(entry)
            case .rounds:
                countReplayed(hint, group.lane, prior: priors[number])
                if priors[number] == 0, again == nil { self[group.lane].insert(entry) }
            case .verdicts:
                countReplayed(hint, group.lane, prior: again?.status ?? priors[number])
                self[group.lane].insert(entry)
            }
            noteItem(hint, in: group.lane, sequence: group.firstSequence + UInt64(number))
        }
        live[group.lane] += group.tallies
        placed[group.lane] += group.tallies
        advance(past: group, hintBytes: hintBytes)
        noteLookups(group.hints.count)
    }

    /// What the records of a block supersede, as of before the block: `settled` if the key has a success.
    private func replayPriors(of group: HintGroup) throws(RetortError) -> [UInt8] {
        let hashes = group.hints.map(\.hash)
        guard group.lane.isOutcome else { return try lookup(hashes, in: group.lane).map { $0?.status ?? 0 } }
        var failed = LookupBatch(hashes)
        if !failures.isEmpty { try failures.lookup(&failed) }
        var done = LookupBatch(hashes)
        try responses.lookup(&done)
        return hashes.indices.map { key in
            done.entries[key] == nil ? failed.entries[key]?.status ?? 0 : StoreCounters.settled
        }
    }

    private mutating func countReplayed(_ hint: RecordHint, _ lane: Lane, prior: UInt8) {
        live.count(lane, status: hint.status, prior: prior)
        placed.count(lane, status: hint.status, prior: prior)
    }

    /// Enters an outcome in the ledger, if its row belongs to the current input.
    mutating func noteItem(_ hint: RecordHint, in lane: Lane, sequence: UInt64) {
        guard lane.isOutcome, sequence >= inputSince[lane.place],
            let item = context.item(row: hint.row, sample: hint.sample)
        else { return }
        input.ledger.insert(item)
    }

    /// Enters all items of a row in the ledger, although none has an outcome.
    mutating func noteRowOfAnotherShard(_ row: UInt64) {
        for sample in 0..<context.samples {
            guard let item = context.item(row: row, sample: UInt16(clamping: sample)) else { return }
            input.ledger.insert(item)
        }
    }

    private mutating func advance(past group: HintGroup, hintBytes: Int) {
        coverage[group.lane] = Coverage(
            segment: group.segment, offset: group.end, nextSequence: group.firstSequence + UInt64(group.hints.count),
            hintBytes: hintBytes, previousBytes: group.memberBytes)
    }

    mutating func setHintBytes(_ lane: Lane, _ hintBytes: Int) { coverage[lane]?.hintBytes = hintBytes }

    /// A lane continues in a new segment.
    mutating func beginSegment(_ lane: Lane, _ number: UInt32) {
        var next = coverage[lane] ?? Coverage()
        next.segment = number
        next.offset = 0
        next.hintBytes = 0
        next.previousBytes = 0
        coverage[lane] = next
    }

    /// Counts lookups of bulk work, so that it does not keep the whole index in memory.
    mutating func noteLookups(_ count: Int) {
        lookupsHeld += count
        if lookupsHeld >= StoreLimits.lookupsHeldMax { letGoOfPages() }
    }

    /// Releases the runs' pages that lookups have brought into memory.
    mutating func letGoOfPages() {
        lookupsHeld = 0
        for lane in Lane.allCases {
            for run in self[lane].runs { run.letGo() }
        }
    }

    mutating func noteLandmark(_ landmark: InputLandmark) { trail.note(landmark) }

    /// Row numbers of records from those sequence numbers on belong to that input; progress in another input is
    /// forgotten.
    mutating func setInput(identity: Hash128, since: [UInt64]) {
        inputSince = since
        if input.identity == identity { return }
        input = InputProgress()
        input.identity = identity
        trail = LandmarkTrail()
    }

    /// As above, from a manifest. If its identity is empty, the input's progress is forgotten.
    mutating func setInput(of manifest: StoreManifest) {
        guard let input = manifest.input else { return }
        setInput(identity: input.identityHash ?? Hash128(high: 0, low: 0), since: manifest.inputSince)
    }

    /// The input's progress, with its landmark advanced as far as the ledger's mark allows.
    mutating func inputProgress() -> InputProgress {
        if let landmark = trail.advance(toRow: input.ledger.low / UInt64(context.samples)) { input.landmark = landmark }
        return input
    }

    /// A checkpoint of what is placed and covered by runs.
    mutating func checkpoint() -> Checkpoint {
        var checkpoint = Checkpoint(storeID: context.storeID)
        checkpoint.nextRunNumber = nextRunNumber
        checkpoint.coverage = coverage
        for lane in Lane.allCases { checkpoint.runs[lane] = self[lane].runs.map(\.number) }
        checkpoint.counters = placed
        checkpoint.input = inputProgress()
        return checkpoint
    }
}
