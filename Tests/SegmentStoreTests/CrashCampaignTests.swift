import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Kills the machine during every call of a workload, by kill and by power cut, opens the store again (dying once more
/// on the way in some of the cases), and holds what is found against the oracle:
///
/// - acknowledged ⊆ recovered ⊆ submitted. After a kill, acknowledged is what `append` returned for; after a power
///   cut, what was appended before the last `sync` or `close` that returned.
/// - every recovered line is, byte for byte, the one that was submitted; no key has two successes.
/// - counters, tallies and the ledger agree with the lines.
/// - a second opening has nothing left to mend and changes no segment.
struct CrashCampaign {
    let seed: UInt64
    var options: StoreOptions
    let files: SimulatedFileSystem
    var submitted: [String: [NewRecord]] = [:]
    /// Outcomes that must be there after a kill, and after a power cut.
    var appended: Set<String> = []
    var synced: Set<String> = []

    init(seed: UInt64) {
        self.seed = seed
        files = SimulatedFileSystem(seed: seed)
        var random = SeededGenerator(seed: seed)
        options = StoreFixture.options(
            files, block: Int.random(in: 200...900, using: &random),
            segment: Int.random(in: 500...3000, using: &random),
            journal: Int.random(in: 100...1500, using: &random), delta: Int.random(in: 5...40, using: &random))
    }

    /// Opens or creates, appends, syncs, closes and opens again, until it is done or the machine dies.
    mutating func work(sessions: Int, appendsPerSession: Int) {
        var random = SeededGenerator(seed: seed &+ 1)
        var next = 0
        do {
            for _ in 0..<sessions {
                let store = try openOrCreate()
                if next == 0 {
                    try store.beginInput(identity: Hash128(high: 1, low: 2), files: ["input"])
                }
                for _ in 0..<appendsPerSession {
                    var batch: [NewRecord] = []
                    for _ in 0..<Int.random(in: 1...4, using: &random) {
                        batch.append(nextRecord(&next, &random))
                    }
                    for record in batch { submitted[record.key.description, default: []].append(record) }
                    _ = try store.append(batch)
                    appended.formUnion(batch.map(\.key.description))
                    if Int.random(in: 0..<4, using: &random) == 0 {
                        try store.sync()
                        synced = appended
                    }
                }
                try store.close()
                synced = appended
            }
        } catch {
            // Died, as it was meant to; a fault of another kind shows in the oracle.
        }
    }

    /// A new item, or a failed one again.
    private func nextRecord(_ next: inout Int, _ random: inout SeededGenerator) -> NewRecord {
        if next > 10, Int.random(in: 0..<5, using: &random) == 0 {
            let again = Int.random(in: 0..<next, using: &random)
            return StoreFixture.record(again, failing: Bool.random(using: &random) ? nil : 2, attempts: 7)
        }
        defer { next += 1 }
        return StoreFixture.record(next, failing: Int.random(in: 0..<4, using: &random) == 0 ? 1 : nil)
    }

    private func openOrCreate() throws -> RecordStore {
        if try RecordStore.manifest(of: StoreFixture.root, files: files) != nil {
            return try RecordStore.open(StoreFixture.root, options: options)
        }
        return try StoreFixture.create(options)
    }

    /// Opens the store after the crash and compares. Returns what is wrong, or nil.
    func judge(power: Bool) throws -> String? {
        guard try RecordStore.manifest(of: StoreFixture.root, files: files) != nil else {
            return (power ? synced : appended).isEmpty ? nil : "the store is gone"
        }
        let store = try RecordStore.open(StoreFixture.root, options: options)
        if let damage = store.recovery.damage.first { return "takes a crash for rot: \(damage)" }
        let counters = store.counters
        let progress = store.inputProgress
        try store.close()
        if let fault = try compare(counters, progress, mustHave: power ? synced : appended) { return fault }
        let before = files.snapshot.filter { $0.key.hasSuffix(".gz") }
        let again = try RecordStore.open(StoreFixture.root, options: options)
        let report = again.recovery
        try again.close()
        if !report.isClean { return "a second recovery found something to do: \(report)" }
        if files.snapshot.filter({ $0.key.hasSuffix(".gz") }) != before { return "a second recovery changed a segment" }
        return nil
    }

    private func compare(_ counters: StoreCounters, _ progress: InputProgress, mustHave: Set<String>) throws -> String?
    {
        let responses = try StoreFixture.lines(.responses, options)
        let failures = try StoreFixture.lines(.failures, options)
        for (id, line) in responses.merging(failures, uniquingKeysWith: { a, _ in a }) {
            guard let records = submitted[id], records.contains(where: { StoreFixture.line($0) == line }) else {
                return "\(id) was never submitted like this"
            }
        }
        let found = Set(responses.keys).union(failures.keys)
        if let lost = mustHave.subtracting(found).min() { return "\(lost) is lost" }
        if !Set(responses.keys).isDisjoint(with: failures.keys) { return "a key counts as success and as failure" }
        if counters.done != responses.count || counters.failed != failures.count {
            return "counts \(counters.done)+\(counters.failed), has \(responses.count)+\(failures.count)"
        }
        if counters.failedByClass.reduce(0, &+) != counters.failed { return "the classes do not add up" }
        let rows = Set(found.compactMap { Int($0.dropFirst("item-".count)) })
        for row in 0..<2000 where progress.ledger.contains(UInt64(row)) && !rows.contains(row) {
            return "row \(row) is in the ledger, but has no outcome"
        }
        return nil
    }
}

@Suite struct CrashCampaignTests {
    /// Each seed is one workload, killed at each of its calls.
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func survivesADeathAtEveryCall(seed: UInt64) throws {
        var rehearsal = CrashCampaign(seed: seed)
        rehearsal.work(sessions: 3, appendsPerSession: 10)
        #expect(try rehearsal.judge(power: false) == nil, "seed \(seed), no crash")
        let calls = rehearsal.files.calls
        for call in 1...calls {
            for power in [false, true] {
                try crash(seed: seed, call: call, power: power, again: nil)
            }
        }
    }

    /// The recovery itself is killed, at a call that differs from case to case.
    @Test(arguments: 101...102 as ClosedRange<UInt64>)
    func survivesADeathDuringRecovery(seed: UInt64) throws {
        var rehearsal = CrashCampaign(seed: seed)
        rehearsal.work(sessions: 2, appendsPerSession: 8)
        let calls = rehearsal.files.calls
        for call in stride(from: 3, through: calls, by: 3) {
            for again in [1, 2, 3, 5, 8, 13] { try crash(seed: seed, call: call, power: again % 2 == 0, again: again) }
        }
    }

    private func crash(seed: UInt64, call: Int, power: Bool, again: Int?) throws {
        var campaign = CrashCampaign(seed: seed)
        campaign.files.die(duringCall: call)
        campaign.work(sessions: 3, appendsPerSession: 10)
        power ? campaign.files.cutPower() : campaign.files.kill()
        if let again {
            campaign.files.die(duringCall: campaign.files.calls + again)
            if let store = try? RecordStore.open(StoreFixture.root, options: campaign.options) { try? store.close() }
            power ? campaign.files.cutPower() : campaign.files.kill()
        }
        let place: Comment = "seed \(seed), call \(call), \(power ? "power cut" : "kill"), again \(again ?? 0)"
        do {
            let fault = try campaign.judge(power: power)
            if let fault { Issue.record("\(fault): \(place)") }
        } catch {
            Issue.record("\(error): \(place)")
        }
    }
}
