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

    /// Throws the damage that a lookup has met, before or meanwhile: the next opening makes the index anew.
    /// `meanwhile` is called now and then while a large run is written.
    mutating func flush(meanwhile: () throws(RetortError) -> Void = {}) throws(RetortError) {
        try throwDamage()
        try writeRuns(meanwhile)
        try context.files.syncDirectory(context.layout.index)
        let checkpoint = index.withLock { $0.checkpoint() }
        try context.files.replace(context.layout.checkpoint, with: checkpoint.encoded(), in: context.layout.index)
        try throwDamage()
        try removeObsolete()
    }

    private func throwDamage() throws(RetortError) {
        if let damage = index.withLock({ $0.damage }) { throw damage }
    }

    private mutating func removeObsolete() throws(RetortError) {
        while let number = obsolete.last {
            try context.files.remove(context.layout.run(number))
            obsolete.removeLast()
        }
    }

    /// The same for an index that nobody will open again: runs in the scratch directory, and no checkpoint.
    mutating func flushToScratch() throws(RetortError) {
        try writeRuns({})
        try removeObsolete()
    }

    private mutating func writeRuns(_ meanwhile: () throws(RetortError) -> Void) throws(RetortError) {
        for lane in Lane.allCases {
            try writeRun(lane, meanwhile)
            try mergeRuns(lane, meanwhile)
        }
    }

    private func takeRunNumber() -> UInt64 {
        index.withLock { index in
            defer { index.nextRunNumber += 1 }
            return index.nextRunNumber
        }
    }

    private func writeRun(_ lane: Lane, _ meanwhile: () throws(RetortError) -> Void) throws(RetortError) {
        let entries = index.withLock { $0[lane].placedEntries }
        guard !entries.isEmpty else { return }
        let run = try write(ArrayCursor(sorting: entries), lane: lane, level: 0, meanwhile)
        index.withLock { $0[lane].replaceTable(by: run) }
    }

    private mutating func mergeRuns(_ lane: Lane, _ meanwhile: () throws(RetortError) -> Void) throws(RetortError) {
        while let runs = RunTiers.toMerge(
            newestFirst: index.withLock { $0[lane].runs }, ratio: context.tuning.runRatio)
        {
            let merged: Run
            do throws(RetortError) {
                merged = try merge(runs, lane, meanwhile)
            } catch {
                // They stay in use. What the merge has let go of is to be checked when it is read again.
                index.withLock { $0.letGoOfPages() }
                throw error
            }
            let numbers = Set(runs.map(\.number))
            index.withLock { $0[lane].replace(numbers, by: merged) }
            obsolete.append(contentsOf: numbers)
        }
    }

    private func merge(
        _ runs: [Run], _ lane: Lane, _ meanwhile: () throws(RetortError) -> Void
    ) throws(RetortError) -> Run {
        let merge = try RunMerge(newestFirst: runs.map { RunCursor($0) })
        let level = RunTiers.level(above: runs)
        return lane == .failures
            ? try write(Unresolved(merge: merge, index: index), lane: lane, level: level, meanwhile)
            : try write(merge, lane: lane, level: level, meanwhile)
    }

    private func write(
        _ entries: some SortedEntries, lane: Lane, level: UInt8, _ meanwhile: () throws(RetortError) -> Void
    ) throws(RetortError) -> Run {
        let form = Run.Form(
            lane: lane, number: takeRunNumber(), level: level, storeID: context.storeID,
            unsyncedEntriesMax: context.tuning.runUnsyncedEntriesMax)
        return try Run.write(entries, form, context.layout, context.files, meanwhile: meanwhile)
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
