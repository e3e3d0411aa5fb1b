import Basics

/// Hint logs, runs and counts of a store that is written in one pass. Its steps run on a merge's `SerialWorker`; its
/// result may be read once that is drained.
final class MergeIndex: @unchecked Sendable {
    // Unchecked: confined to the worker's steps, one after another.
    private let context: StoreContext
    private var lanes: [LaneState]
    private(set) var nextRun: UInt64 = 1

    struct LaneState {
        let lane: Lane
        var hints: HintWriter?
        var entries: [IndexEntry] = []
        /// Replaces `entries` if a key may occur again.
        var table = DeltaTable()
        /// Newest first.
        var runs: [Run] = []
        var counters = StoreCounters()

        /// For a lane in which a key may occur again.
        func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
            if let entry = table[hash] { return entry }
            for run in runs {
                if let entry = try run.lookup(hash) { return entry }
            }
            return nil
        }
    }

    /// Entries sorted in memory before they become a run.
    private var entriesMax: Int { context.tuning.deltaEntriesMax * 4 }

    init(context: StoreContext) {
        self.context = context
        lanes = Lane.allCases.map { LaneState(lane: $0) }
    }

    subscript(lane: Lane) -> LaneState { lanes[Int(lane.rawValue)] }

    func beginSegment(_ lane: Lane, _ number: UInt32) throws(RetortError) {
        let path = context.layout.hints(lane, number)
        lanes[Int(lane.rawValue)].hints = HintWriter(try context.files.open(path, .createEmpty))
    }

    func finishSegment(_ lane: Lane) throws(RetortError) {
        try lanes[Int(lane.rawValue)].hints!.finish()
    }

    /// Adds a block that has its position.
    func add(_ group: HintGroup) throws(RetortError) {
        let index = Int(group.lane.rawValue)
        try lanes[index].hints!.append(group.encoded(storeID: context.storeID))
        if !group.lane.isOutcome { return try addBeside(group) }
        for (record, hint) in group.hints.enumerated() {
            lanes[index].entries.append(hint.entry(segment: group.segment, offset: group.offset, record: record))
            lanes[index].counters.count(group.lane, status: hint.status, prior: 0)
        }
        lanes[index].counters[group.lane] += group.tallies
        if lanes[index].entries.count >= entriesMax { try writeRun(group.lane) }
    }

    /// As `add`, for a lane in which a key may have several records: of a round the first is indexed, of a verdict the
    /// last.
    private func addBeside(_ group: HintGroup) throws(RetortError) {
        let index = group.lane.place
        for (record, hint) in group.hints.enumerated() {
            let known = try lanes[index].lookup(hint.hash)
            lanes[index].counters.count(group.lane, status: hint.status, prior: known?.status ?? 0)
            if group.lane == .rounds, known != nil { continue }
            lanes[index].table.insert(hint.entry(segment: group.segment, offset: group.offset, record: record))
        }
        lanes[index].counters[group.lane] += group.tallies
        guard lanes[index].table.count >= entriesMax else { return }
        try writeRun(group.lane)
    }

    /// Writes the entries so far as a sorted run, and merges runs of similar size.
    func writeRun(_ lane: Lane) throws(RetortError) {
        let index = Int(lane.rawValue)
        if !lane.isOutcome {
            lanes[index].entries = lanes[index].table.entries
            lanes[index].table = DeltaTable()
        }
        guard !lanes[index].entries.isEmpty else { return }
        let sorted = ArrayCursor(sorting: lanes[index].entries)
        lanes[index].entries.removeAll(keepingCapacity: true)
        lanes[index].runs.insert(try makeRun(lane, sorted, level: 0), at: 0)
        while let newest = RunTiers.toMerge(newestFirst: lanes[index].runs, ratio: context.tuning.runRatio) {
            let merge = try RunMerge(newestFirst: newest.map { RunCursor($0) })
            let merged = try makeRun(lane, merge, level: RunTiers.level(above: newest))
            lanes[index].runs.replaceSubrange(..<newest.count, with: [merged])
            for run in newest { try context.files.remove(context.layout.run(run.number)) }
        }
    }

    private func makeRun(_ lane: Lane, _ entries: some SortedEntries, level: UInt8) throws(RetortError) -> Run {
        defer { nextRun += 1 }
        return try Run.write(
            entries, Run.Form(lane: lane, number: nextRun, level: level, storeID: context.storeID), context.layout,
            context.files)
    }
}

/// Writes a hint log in large chunks.
struct HintWriter {
    private let file: any StoreFile
    private var pending: [UInt8] = []
    private(set) var bytes = 0

    init(_ file: any StoreFile) { self.file = file }

    mutating func append(_ group: [UInt8]) throws(RetortError) {
        pending.append(contentsOf: group)
        bytes += group.count
        if pending.count >= StoreLimits.copyBufferBytes { try flush() }
    }

    private mutating func flush() throws(RetortError) {
        try file.write(pending, at: bytes - pending.count)
        pending.removeAll(keepingCapacity: true)
    }

    mutating func finish() throws(RetortError) {
        try flush()
        try file.syncData()
    }
}
