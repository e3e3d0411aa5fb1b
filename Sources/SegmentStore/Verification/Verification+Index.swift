import Basics

extension Verification {
    /// Checks the journals' lines against their checksums. Journals that no crash explains were reported with the
    /// files.
    mutating func checkJournals(of snapshot: VerificationSnapshot) throws(RetortError) {
        let context = snapshot.context
        for lane in Lane.allCases {
            let survey = try JournalSurvey.read(
                lane, from: snapshot.image.tails[Int(lane.rawValue)].nextSequence, storeID: context.storeID,
                layout: context.layout, files: context.files)
            for line in survey.skipped {
                if line.isTornEnd {
                    report.unfinishedJournalLines += 1
                    continue
                }
                report.note(
                    Problem(
                        kind: .journal, lane: lane, range: line.range, keys: 1, place: line.path,
                        message: "line \(line.number) of the journal is damaged",
                        remedy: "The next run skips it and sends its item again."))
            }
        }
    }

    /// Checks the hint logs: every group complete, none beyond its segment.
    mutating func checkHints(of snapshot: VerificationSnapshot) throws(RetortError) {
        let context = snapshot.context
        for lane in Lane.allCases {
            for (number, bytes) in snapshot.segments[lane] ?? [] {
                let path = context.layout.hints(lane, number)
                if try context.files.size(of: path) != nil, try !context.files.isRegular(path) {
                    noteForeign(.hints, lane: lane, segment: number, path)
                }
                guard
                    var log = try HintLogReader(
                        lane, number, from: 0, storeID: context.storeID, layout: context.layout, files: context.files)
                else { continue }
                while let group = try log.next() {
                    // An active writer's segment has grown since the snapshot.
                    if group.end > bytes, snapshot.isClosed(lane) {
                        noteHints(path, lane, number, "the hint log leads its segment")
                        break
                    }
                }
                let isActive = number == snapshot.image.tails[Int(lane.rawValue)].segment
                if log.position < log.end, !isActive || snapshot.isClosed(lane) {
                    noteHints(path, lane, number, "the hint log is damaged from byte \(log.position) on")
                }
            }
        }
    }

    private mutating func noteHints(_ path: String, _ lane: Lane, _ number: UInt32, _ message: String) {
        report.note(
            Problem(
                kind: .hints, lane: lane, segment: number, place: path, message: message,
                remedy: "Run `retort reindex --from segments`; nothing depends on it before the index is lost."))
    }

    /// Compares the deep form's counts with the index.
    mutating func checkIndexAgainstRecords(of snapshot: VerificationSnapshot) throws(RetortError) {
        var counted = StoreCounters()
        for lane in Lane.allCases {
            var placed = 0
            var cursor = try snapshot.image.index.withLock { index throws(RetortError) in try index[lane].cursor() }
            while let entry = try cursor.next() {
                try count(entry, lane, snapshot, &counted)
                if entry.isPending { continue }
                if let damaged = damagedStretch(of: entry, lane) {
                    seen.damage[damaged].keys += 1
                } else {
                    placed += 1
                }
            }
            let matches = seen.matches[lane] ?? 0
            if placed > matches {
                report.note(
                    Problem(
                        kind: .entry, lane: lane, keys: placed - matches, place: snapshot.context.layout.index,
                        message: "\(placed - matches) entries of the index have no record", remedy: Self.reindex))
            }
        }
        for stretch in seen.damage where stretch.keys > 0 {
            if let problem = stretch.problem { report.setKeys(stretch.keys, ofProblem: problem) }
        }
        checkSums(counted, snapshot)
        checkLedger(counted, snapshot)
    }

    private func count(
        _ entry: IndexEntry, _ lane: Lane, _ snapshot: VerificationSnapshot, _ counted: inout StoreCounters
    ) throws(RetortError) {
        // Rounds are counted as they are read: the index names one record per key.
        if lane == .rounds { return }
        if lane != .failures { return counted.count(lane, status: entry.status, prior: 0) }
        let success = try snapshot.image.index.withLock { index throws(RetortError) in
            try index.responses.lookup(entry.hash)
        }
        if success == nil { counted.count(lane, status: entry.status, prior: 0) }
    }

    private func damagedStretch(of entry: IndexEntry, _ lane: Lane) -> Int? {
        seen.damage.firstIndex { stretch in
            stretch.damage.lane == lane && stretch.damage.segment == entry.segment
                && stretch.damage.range.contains(Int(entry.offset))
        }
    }

    private mutating func checkSums(_ counted: StoreCounters, _ snapshot: VerificationSnapshot) {
        var counted = counted
        // Without a way to count them, or with unreadable records, tallies prove nothing.
        let isWhole = seen.damage.isEmpty
        let comparesTallies = isWhole && Lane.allCases.contains { seen.counters[$0] != Tallies() }
        for lane in Lane.allCases { counted[lane] = comparesTallies ? seen.counters[lane] : report.counters[lane] }
        counted.rounds = isWhole ? seen.counters.rounds : report.counters.rounds
        guard counted != report.counters else { return }
        let message =
            Lane.allCases.contains { counted[$0] != report.counters[$0] }
            ? "the tallies are not the sums over the records"
            : "counted \(counted.done) done + \(counted.failed) failed, the index says "
                + "\(report.counters.done) + \(report.counters.failed), or other classes, rounds or verdicts"
        report.note(
            Problem(
                kind: .counters, place: snapshot.context.layout.checkpoint, message: message, remedy: Self.reindex))
    }

    /// An item of the input is one key, so the ledger cannot have more items than there are keys with an outcome. Row
    /// numbers say less: an item may have been answered under another one, in an earlier input. A shard's ledger also
    /// lists the rows of other shards.
    private mutating func checkLedger(_ counted: StoreCounters, _ snapshot: VerificationSnapshot) {
        let items = snapshot.progress.ledger.count
        let outcomes = counted.done + counted.failed
        guard snapshot.progress.identity != Hash128(high: 0, low: 0), items > outcomes,
            report.part == nil
        else { return }
        report.note(
            Problem(
                kind: .ledger, keys: Int(items - outcomes), place: snapshot.context.layout.checkpoint,
                message: "the ledger lists \(items) items of the input, but only \(outcomes) have an outcome",
                remedy: Self.reindex))
    }
}
