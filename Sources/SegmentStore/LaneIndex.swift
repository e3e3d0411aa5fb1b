import Basics

/// The index of one lane: a table in memory over sorted runs. Calls are serialised by the owner.
struct LaneIndex {
    let lane: Lane
    private(set) var delta = DeltaTable()
    /// Newest first.
    private(set) var runs: [Run] = []
    /// Entries with a place that one without hides in the table: they belong into the next run all the same, because a
    /// power cut may take the journal.
    private var hidden: [Hash128: IndexEntry] = [:]

    init(_ lane: Lane) { self.lane = lane }

    /// The newest entry of a key.
    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        if let entry = delta[hash] { return entry }
        for run in runs {
            if let entry = try run.lookup(hash) { return entry }
        }
        return nil
    }

    var isEmpty: Bool { delta.count == 0 && runs.isEmpty }

    mutating func insert(_ entry: IndexEntry) {
        if entry.isPending {
            if let placed = delta[entry.hash], !placed.isPending { hidden[entry.hash] = placed }
        } else if !hidden.isEmpty {
            hidden[entry.hash] = nil
        }
        delta.insert(entry)
    }

    mutating func adopt(_ runs: [Run]) { self.runs = runs }

    /// The entries that have a place, for a new run.
    var placedEntries: [IndexEntry] { delta.entries.filter { !$0.isPending } + hidden.values }

    /// Puts a new run in place of the placed entries of the table and of the runs that were merged into it.
    mutating func replace(placedBy run: Run, merged numbers: Set<UInt64>) {
        let pending = delta.entries.filter(\.isPending)
        delta = DeltaTable()
        for entry in pending { delta.insert(entry) }
        hidden = [:]
        runs = [run] + runs.filter { !numbers.contains($0.number) }
    }

    /// Puts a merged run in place of those it was made of.
    mutating func replace(_ numbers: Set<UInt64>, by run: Run) {
        guard let first = runs.firstIndex(where: { numbers.contains($0.number) }) else { return }
        runs[first] = run
        runs.removeAll { numbers.contains($0.number) }
    }

    /// All entries in order of their hash, each key once with its newest entry.
    func cursor() throws(RetortError) -> RunMerge {
        var cursors: [any SortedEntries] = [ArrayCursor(sorting: delta.entries)]
        cursors += runs.map { RunCursor($0) }
        return try RunMerge(newestFirst: cursors)
    }

    /// The newest runs that a level has too many of; they are neighbours in age.
    func runsToMerge(fanIn: Int) -> [Run]? {
        for level in Set(runs.map(\.level)).sorted() {
            let sameLevel = runs.filter { $0.level == level }
            if sameLevel.count >= fanIn { return sameLevel }
        }
        return nil
    }
}
