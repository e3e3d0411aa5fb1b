import Basics

/// Turns the placed part of the tables into sorted runs, merges runs of like size, and writes the checkpoint.
///
/// One thread flushes at a time. Everything placed must be durable in its segment before a flush begins: the index
/// must never lead the data.
struct IndexFlusher {
    let context: StoreContext
    let index: Locked<StoreIndex>
    /// Runs that were merged and stay until a checkpoint is written that does without them.
    private var obsolete: [UInt64] = []

    init(context: StoreContext, index: Locked<StoreIndex>) {
        self.context = context
        self.index = index
    }

    /// Throws the damage that a lookup has met: the next opening makes the index anew.
    mutating func flush() throws(RetortError) {
        if let damage = index.withLock({ $0.damage }) { throw damage }
        try writeRuns()
        try context.files.syncDirectory(context.layout.index)
        let checkpoint = index.withLock { $0.checkpoint() }
        try context.files.replace(context.layout.checkpoint, with: checkpoint.encoded(), in: context.layout.index)
        try removeObsolete()
    }

    private mutating func removeObsolete() throws(RetortError) {
        while let number = obsolete.last {
            try context.files.remove(context.layout.run(number))
            obsolete.removeLast()
        }
    }

    /// The same for an index that nobody will open again: runs in the scratch directory, and no checkpoint.
    mutating func flushToScratch() throws(RetortError) {
        try writeRuns()
        try removeObsolete()
    }

    private mutating func writeRuns() throws(RetortError) {
        for lane in Lane.allCases {
            try writeRun(lane)
            try mergeRuns(lane)
        }
    }

    private func takeRunNumber() -> UInt64 {
        index.withLock { index in
            defer { index.nextRunNumber += 1 }
            return index.nextRunNumber
        }
    }

    private func writeRun(_ lane: Lane) throws(RetortError) {
        let entries = index.withLock { $0[lane].placedEntries }
        guard !entries.isEmpty else { return }
        let run = try write(ArrayCursor(sorting: entries), lane: lane, level: 0)
        index.withLock { $0[lane].replaceTable(by: run) }
    }

    private mutating func mergeRuns(_ lane: Lane) throws(RetortError) {
        while let runs = RunTiers.toMerge(
            newestFirst: index.withLock { $0[lane].runs }, ratio: context.tuning.runRatio)
        {
            let merge = try RunMerge(newestFirst: runs.map { RunCursor($0) })
            let level = RunTiers.level(above: runs)
            let merged =
                lane == .failures
                ? try write(Unresolved(merge: merge, index: index), lane: lane, level: level)
                : try write(merge, lane: lane, level: level)
            let numbers = Set(runs.map(\.number))
            index.withLock { $0[lane].replace(numbers, by: merged) }
            obsolete.append(contentsOf: numbers)
        }
    }

    private func write(_ entries: some SortedEntries, lane: Lane, level: UInt8) throws(RetortError) -> Run {
        try Run.write(
            entries, Run.Form(lane: lane, number: takeRunNumber(), level: level, storeID: context.storeID),
            context.layout, context.files)
    }
}

/// The failures that no success has settled: the others need no place in a merged run. A success that is only in the
/// journal has settled nothing yet: a power cut can take it.
private struct Unresolved: SortedEntries {
    var merge: RunMerge
    let index: Locked<StoreIndex>

    var countMax: Int { merge.countMax }

    mutating func next() throws(RetortError) -> IndexEntry? {
        while let entry = try merge.next() {
            let success = try index.withLock { index throws(RetortError) in try index.responses.lookupPlaced(entry.hash)
            }
            if success == nil { return entry }
        }
        return nil
    }
}
