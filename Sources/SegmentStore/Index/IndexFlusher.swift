import Basics

/// Moves the placed entries of the tables to sorted runs, merges runs of similar size, and writes the checkpoint.
///
/// One thread flushes at a time. Everything placed must be durable in its segment before a flush begins: the index must
/// never be ahead of the data.
struct IndexFlusher {
    let context: StoreContext
    let index: Locked<StoreIndex>
    /// Merged runs that stay until a checkpoint without them is written.
    private var obsolete: [UInt64] = []

    init(context: StoreContext, index: Locked<StoreIndex>) {
        self.context = context
        self.index = index
    }

    /// Throws damage found by a lookup, before or during the flush: the next opening rebuilds the index. `meanwhile` is
    /// called from time to time while a large run is written.
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

    /// As `flush`, for an index that will not be opened again: runs go to the scratch directory, without a checkpoint.
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
                // The runs stay in use. Pages that the merge released are verified when they are read again.
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

/// Failures that no success has settled: the others are dropped from a merged run. A success that is only in the
/// journal settles nothing yet, since a power cut can take it.
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
