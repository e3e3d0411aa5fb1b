import Basics
import Gzip
import TestSupport

@testable import SegmentStore

/// What a store was told, and what must be left of it after a crash.
struct CrashOracle: Sendable {
    /// By key, the lines in the order of submission.
    private(set) var submitted: [String: [Line]] = [:]
    /// By key, the number of the last line for which `append` returned, and of the last durable one.
    private(set) var appended: [String: Int] = [:]
    private(set) var synced: [String: Int] = [:]
    /// The last mark that was submitted, that was set, and that was durable.
    private(set) var marks: (submitted: Int64, set: Int64, synced: Int64) = (0, 0, 0)
    /// The facts in each line.
    private var facts: [[UInt8]: Fact] = [:]

    /// Rounds and verdicts by line: their facts, and whether `append` has returned for them.
    private var besides: [[UInt8]: Beside] = [:]

    private struct Beside {
        var key: RecordKey
        var lane: Lane
        var tally: UInt64
        var isAppended = false
        var isSynced = false
    }

    private struct Fact {
        var key: String
        /// The line's number among those of its key.
        var number: Int
        var isSuccess: Bool
        var tally: UInt64
    }

    struct Line: Sendable, Equatable {
        var text: [UInt8]
        var isSuccess: Bool
    }

    mutating func submit(_ batch: [NewRecord]) {
        for record in batch {
            let key = record.key.description
            if !record.status.lane.isOutcome {
                besides[StoreFixture.line(record)] = Beside(
                    key: record.key, lane: record.status.lane, tally: record.tallies[0])
                continue
            }
            let line = Line(text: StoreFixture.line(record), isSuccess: record.status == .ok)
            submitted[key, default: []].append(line)
            facts[line.text] = Fact(
                key: key, number: submitted[key]!.count - 1, isSuccess: line.isSuccess, tally: record.tallies[0])
        }
    }

    mutating func acknowledge(_ batch: [NewRecord]) {
        for record in batch {
            let key = record.key.description
            if !record.status.lane.isOutcome {
                besides[StoreFixture.line(record)]!.isAppended = true
                continue
            }
            appended[key] = submitted[key]!.count - 1
        }
    }

    mutating func acknowledgeSync() {
        synced = appended
        marks.synced = marks.set
        for line in besides.keys where besides[line]!.isAppended { besides[line]!.isSynced = true }
    }

    mutating func nextMark() -> Int64 {
        marks.submitted += 1
        return marks.submitted
    }

    mutating func acknowledgeMark(_ value: Int64) { marks.set = value }

    /// Opens the store after a crash and says what is wrong, or nil. `thoroughly`: also uses it, reads it, closes it
    /// and opens it again.
    ///
    /// - acknowledged ⊆ recovered ⊆ submitted, byte for byte, and of each key the newest outcome that is acknowledged
    ///   or a later one. After a kill, acknowledged is what `append` returned for; after a power cut, what was appended
    ///   before the last `sync` or `close` that returned.
    /// - no key has two successes on disk, or counts as both a success and a failure.
    /// - counters, tallies, index and ledger agree with the lines.
    /// - an existing checkpoint has its runs: the index is not rebuilt after a crash.
    /// - a second opening has nothing to repair and changes no segment.
    func judge(
        _ files: SimulatedFileSystem, _ options: StoreOptions, power: Bool, thoroughly: Bool
    ) throws -> String? {
        var options = options
        options.files = files
        let mustHave = power ? synced : appended
        guard try RecordStore.manifest(of: StoreFixture.root, files: files) != nil else {
            return mustHave.isEmpty ? nil : "the store is gone"
        }
        let hasCheckpoint = try files.size(of: StoreFixture.root + "/index/checkpoint") != nil
        let store = try RecordStore.open(StoreFixture.root, options: options)
        if hasCheckpoint && store.recovery.indexWasRebuilt {
            return "the checkpoint leads to an index that is not there"
        }
        if let damage = store.recovery.damage.first { return "takes a crash for rot: \(damage)" }
        let mark = store.mark
        if !((power ? marks.synced : marks.set)...marks.submitted ~= mark) { return "the mark is \(mark): \(marks)" }
        if thoroughly { return try judgeWork(store, files, options, mustHave: mustHave) }
        if let fault = try compareIndex(store) ?? compareBeside(store, power: power, options) { return fault }
        return try compareRaw(store.counters, mustHave: mustHave, options)
    }

    /// Uses the opened store, closes it and opens it again.
    private func judgeWork(
        _ store: RecordStore, _ files: SimulatedFileSystem, _ options: StoreOptions, mustHave: [String: Int]
    ) throws -> String? {
        var after = self
        let more = [
            StoreFixture.round(3, 1, stating: 90_001), StoreFixture.verdict(3, of: "judge", stating: 90_002),
            StoreFixture.record(1000), StoreFixture.record(1001, failing: 1), StoreFixture.record(1001),
        ]
        after.submit(more)
        _ = try store.append(more)
        after.acknowledge(more)
        let counters = store.counters
        let progress = store.inputProgress
        if let fault = try after.compareIndex(store) { return fault }
        if files.calls % 4 == 0, let fault = try after.judgeWithoutClose(store, files, options) { return fault }
        try store.close()
        let must = mustHave.merging(["item-1000": 0, "item-1001": 1]) { a, _ in a }
        if let fault = try after.compareLines(counters, progress, mustHave: must, options) { return fault }
        let before = files.snapshot.filter { $0.key.hasSuffix(".gz") }
        let again = try RecordStore.open(StoreFixture.root, options: options)
        let report = again.recovery
        if again.counters != counters { return "a second opening counts differently" }
        try again.close()
        if !report.isClean { return "a second recovery found something to do: \(report)" }
        if files.snapshot.filter({ $0.key.hasSuffix(".gz") }) != before { return "a second recovery changed a segment" }
        return nil
    }

    /// Kills the store once more after its recovery, when everything in it is durable: nothing may be missing.
    private func judgeWithoutClose(
        _ store: RecordStore, _ files: SimulatedFileSystem, _ options: StoreOptions
    ) throws -> String? {
        try store.sync()
        let dead = files.fork(seed: 1)
        dead.cutPower()
        var options = options
        options.files = dead
        let again = try RecordStore.open(StoreFixture.root, options: options)
        defer { try? again.close() }
        if again.counters != store.counters { return "a second crash changes the counters" }
        return try compareIndex(again)
    }

    /// Every key in the index was submitted, with that status, and the index has no other key.
    private func compareIndex(_ store: RecordStore) throws -> String? {
        var done: UInt64 = 0
        var failed: UInt64 = 0
        for (key, lines) in submitted {
            guard let entry = try store.lookup(RecordKey(key)) else { continue }
            let isSuccess = entry.recordStatus == .ok
            if !lines.contains(where: { $0.isSuccess == isSuccess }) { return "\(key) never ended like that" }
            if isSuccess { done += 1 } else { failed += 1 }
        }
        let counters = store.counters
        if counters.done != done || counters.failed != failed {
            return "counts \(counters.done)+\(counters.failed), the index has \(done)+\(failed)"
        }
        return nil
    }

    /// Every required round and verdict is there, and none twice; counts and lookups agree with the lines.
    private func compareBeside(_ store: RecordStore, power: Bool, _ options: StoreOptions) throws -> String? {
        var found: Set<[UInt8]> = []
        var named: [RecordKey: UInt64] = [:]
        for (lane, line) in try StoreFixture.rawLines(options) where !lane.isOutcome {
            guard let beside = besides[line], beside.lane == lane else { return "a line of the \(lane) is none of it" }
            if !found.insert(line).inserted { return "\(beside.key) stands twice" }
            if lane == .verdicts || named[beside.key] == nil { named[beside.key] = beside.tally }
        }
        for (line, beside) in besides where power ? beside.isSynced : beside.isAppended {
            if !found.contains(line) { return "\(beside.key) is lost" }
        }
        for key in Set(besides.values.map(\.key)) {
            let fingerprint = try store.lookup(key).map { UInt64($0.fingerprint) }
            if fingerprint != named[key] { return "\(key) is \(fingerprint ?? 0), not \(named[key] ?? 0)" }
        }
        let rounds = found.count { besides[$0]!.lane == .rounds }
        let verdicts = named.keys.count { if case .verdict = $0.part { true } else { false } }
        let counters = store.counters
        if counters.rounds != rounds || counters.verdicts != verdicts {
            return "counts \(counters.rounds) rounds, \(counters.verdicts) verdicts; has \(rounds), \(verdicts)"
        }
        return nil
    }

    private func compareLines(
        _ counters: StoreCounters, _ progress: InputProgress, mustHave: [String: Int], _ options: StoreOptions
    ) throws -> String? {
        let reader = try StoreReader(StoreFixture.root, options: options)
        let responses = try StoreFixture.lines(.responses, reader)
        let failures = try StoreFixture.lines(.failures, reader)
        if !Set(responses.keys).isDisjoint(with: failures.keys) { return "a key counts as success and as failure" }
        if counters.done != responses.count || counters.failed != failures.count {
            return "counts \(counters.done)+\(counters.failed), a reader finds \(responses.count)+\(failures.count)"
        }
        let found = responses.merging(failures) { a, _ in a }
        var beside: (rounds: UInt64, verdicts: UInt64) = (0, 0)
        try reader.forEach(.rounds) { _ in beside.rounds += 1 }
        try reader.forEach(.verdicts) { _ in beside.verdicts += 1 }
        if beside != (counters.rounds, counters.verdicts) { return "a reader finds other rounds or verdicts" }
        for (key, text) in found {
            guard let fact = facts[text], fact.key == key else { return "\(key) was never submitted like this" }
            if let must = mustHave[key], fact.number < must, !fact.isSuccess { return "a reader sees \(key) too old" }
        }
        if counters.failedByClass.reduce(0, &+) != counters.failed { return "the classes do not add up" }
        for key in submitted.keys where found[key] == nil {
            let row = UInt64(key.dropFirst("item-".count))!
            if progress.ledger.contains(row) { return "row \(row) is in the ledger, but has no outcome" }
        }
        return try compareRaw(counters, mustHave: mustHave, options)
    }

    /// The content of the segments, independent of the index. No journal may have a line that they lack.
    private func compareRaw(
        _ counters: StoreCounters, mustHave: [String: Int], _ options: StoreOptions
    ) throws -> String? {
        var sum: UInt64 = 0
        var newest: [String: Fact] = [:]
        var besideSums: [Lane: UInt64] = [:]
        for (lane, line) in try StoreFixture.rawLines(options) {
            if let beside = besides[line] {
                besideSums[lane, default: 0] += beside.tally
                continue
            }
            guard let fact = facts[line] else { return "a line was never submitted" }
            sum += fact.tally
            if fact.isSuccess != (lane == .responses) { return "\(fact.key) stands in the other lane" }
            if newest[fact.key]?.isSuccess != true {
                newest[fact.key] = fact
            } else if fact.isSuccess {
                return "\(fact.key) stands twice among the responses"
            }
        }
        for (key, must) in mustHave {
            guard let found = newest[key] else { return "\(key) is lost" }
            if found.number < must && !found.isSuccess { return "\(key) went back in time" }
        }
        let done = newest.values.reduce(0) { $0 + ($1.isSuccess ? 1 : 0) }
        if counters.done != done || counters.failed != newest.count - done {
            return "counts \(counters.done)+\(counters.failed), has \(done)+\(newest.count - done)"
        }
        for lane in [Lane.rounds, .verdicts] where counters.tallies(of: lane)[0] != besideSums[lane] ?? 0 {
            return "the tallies of the \(lane) are \(counters.tallies(of: lane)[0]), not \(besideSums[lane] ?? 0)"
        }
        return counters.tallies[0] == sum ? nil : "tallies \(counters.tallies[0]), the lines have \(sum)"
    }
}
