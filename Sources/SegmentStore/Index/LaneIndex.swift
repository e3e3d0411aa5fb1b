import Basics

/// The index of one lane: a table in memory over sorted runs. Calls are serialised by the owner.
struct LaneIndex {
    let lane: Lane
    /// Records in the journal only. Kept apart from the placed ones, because a power cut can still take them.
    private(set) var pending: [Hash128: IndexEntry] = [:]
    /// For keys with several records in the journal only: how many beyond one.
    private var pendingAgain: [Hash128: Int] = [:]
    private(set) var delta = DeltaTable()
    /// Newest first.
    private(set) var runs: [Run] = []

    init(_ lane: Lane) { self.lane = lane }

    /// The newest entry of a key.
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        if !pending.isEmpty, let entry = pending[hash] { return entry }
        return try lookupPlaced(hash)
    }

    /// The newest entry of a key whose record is in a segment.
    func lookupPlaced(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        for run in runs { run.expect(hash) }
        if let entry = delta[hash] { return entry }
        for run in runs {
            if let entry = try run.lookup(hash) { return entry }
        }
        return nil
    }

    /// Looks up the open keys of a batch.
    func lookup(_ batch: inout LookupBatch) throws(RetortError) {
        if !pending.isEmpty { batch.resolve { pending[$0] } }
        if delta.count > 0 { batch.resolve { delta[$0] } }
        for run in runs where !batch.open.isEmpty { try run.lookup(&batch) }
    }

    /// Number of entries in the runs; keys in several runs count several times.
    var runEntries: UInt64 { runs.reduce(0) { $0 + UInt64($1.count) } }

    var isEmpty: Bool { pending.isEmpty && delta.count == 0 && runs.isEmpty }

    mutating func note(_ entry: IndexEntry) {
        if pending.updateValue(entry, forKey: entry.hash) != nil { pendingAgain[entry.hash, default: 0] += 1 }
    }

    mutating func insert(_ entry: IndexEntry) { delta.insert(entry) }

    /// A record of the key is no longer in the journal only. If another one is, that is the newest.
    mutating func settle(_ hash: Hash128) {
        if !pendingAgain.isEmpty, let others = pendingAgain[hash] {
            pendingAgain[hash] = others > 1 ? others - 1 : nil
        } else {
            pending[hash] = nil
        }
    }

    mutating func adopt(_ runs: [Run]) { self.runs = runs }

    /// The placed entries, for a new run.
    var placedEntries: [IndexEntry] { delta.entries }

    /// Replaces the table's entries by a new run. Nothing may have been inserted since they were taken.
    mutating func replaceTable(by run: Run) {
        delta = DeltaTable()
        runs.insert(run, at: 0)
    }

    /// Replaces runs by the one merged from them.
    mutating func replace(_ numbers: Set<UInt64>, by run: Run) {
        guard let first = runs.firstIndex(where: { numbers.contains($0.number) }) else { return }
        runs[first] = run
        runs.removeAll { numbers.contains($0.number) }
    }

    /// All entries by hash, each key once with its newest entry.
    func cursor() throws(RetortError) -> RunMerge {
        var cursors: [any SortedEntries] = [
            ArrayCursor(sorting: Array(pending.values)), ArrayCursor(sorting: delta.entries),
        ]
        cursors += runs.map { RunCursor($0) }
        return try RunMerge(newestFirst: cursors)
    }
}
