import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// A revision removes records from a store that crashes at each call of it, and at each call of a share of the
/// recoveries.
private final class RevisionCampaign: @unchecked Sendable {
    let seed: UInt64
    private var random: SeededGenerator
    private let store: SampleStore
    private let chosen: Set<Int>
    private let others: Set<Int>
    private let before: [String]
    private let archived: [String]
    private(set) var points = 0
    private(set) var outcomes: Set<Bool> = []
    private(set) var faults: [String] = []

    /// One of this many crashes is followed by a crash at every call of its recovery.
    private static let recoveriesExplored = CrashCampaign.isWhole ? 11 : 29
    private var calls = 0

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        var store = SampleStore(seed: seed)
        store.options = StoreFixture.options(
            store.files, block: Int.random(in: 200...900, using: &random),
            segment: Int.random(in: 500...3000, using: &random), delta: Int.random(in: 3...40, using: &random))
        store = try store.make()
        self.store = store
        let share = Int.random(in: 1...100, using: &random)
        var numbers: Set<Int> = []
        for number in 0..<store.records where Int.random(in: 0..<100, using: &random) < share { numbers.insert(number) }
        chosen = numbers
        let amends = Bool.random(using: &random)
        others = amends ? Set(stride(from: 0, to: store.records, by: 5)).subtracting(numbers) : []
        before = try store.rawLines()
        archived = before.filter { numbers.contains(store.id(ofLine: $0)) }
    }

    func run() throws {
        store.files.observe { machine in
            self.calls += 1
            if (self.calls + Int(self.seed)) % CrashCampaign.callsApart == 0 { self.die(machine) }
        }
        try store.revise(chosen.sorted(), amending: others.sorted(), job: ["model": "new"])
        store.files.observe(nil)
        die(store.files)
    }

    /// A full disk from each call on: what cannot be done is not done at all, or is completed when there is space.
    func runOutOfSpace() throws {
        for call in stride(from: 1, through: 400, by: CrashCampaign.isWhole ? 1 : 3) {
            let machine = SampleStore(on: store.files.fork(seed: random.next()), root: store.root).with(store.options)
            let start = machine.files.calls
            machine.files.fail(calls: start + call..<start + call + 100_000, with: ENOSPC)
            let error: RetortError?
            do {
                try machine.revise(chosen.sorted(), amending: others.sorted(), job: ["model": "new"])
                error = nil
            } catch let thrown as RetortError {
                error = thrown
            }
            if error == nil { return }
            machine.files.clearFaults()
            judge(machine.files, "disk full from call \(call)")
        }
    }

    private func die(_ machine: SimulatedFileSystem) {
        for power in [false, true, true] {
            let dead = machine.fork(seed: random.next())
            power ? dead.cutPower() : dead.kill()
            let place = "\(power ? "power cut" : "kill") at call \(machine.calls) \(machine.lastCall)"
            judge(dead.fork(seed: seed), place)
            guard points % Self.recoveriesExplored == 0 else { continue }
            dead.observe { machine in
                let again = machine.fork(seed: self.random.next())
                power ? again.cutPower() : again.kill()
                self.judge(again, "\(place), then at call \(machine.calls) \(machine.lastCall)")
            }
            var options = store.options
            options.files = dead
            if let opened = try? RecordStore.open(store.root, options: options) { try? opened.close() }
        }
    }

    private func judge(_ files: SimulatedFileSystem, _ place: String) {
        points += 1
        guard faults.count < 5 else { return }
        let found = SampleStore(on: files, root: store.root).with(store.options)
        do {
            if let fault = try judge(found) { faults.append("seed \(seed), \(place): \(fault)") }
        } catch {
            faults.append("seed \(seed), \(place): \(error)")
        }
    }

    /// All lines exist once, in the lanes or in the archive; of the selected ones all or none have moved, together with
    /// the job; a reader before the next opening finds nothing wrong either.
    private func judge(_ found: SampleStore) throws -> String? {
        // Hint logs are not synced: a power cut may have taken part of one.
        let problems = try found.verify().problems.filter { $0.kind != .hints }
        if let problem = problems.first { return "before opening: \(problem)" }
        let opened = try RecordStore.open(found.root, options: found.options)
        let job = opened.manifest.job["model"]
        try opened.close()
        let moved = try found.archivedLines()
        guard moved.isEmpty || moved == archived else { return "\(moved.count) lines of \(archived.count) have moved" }
        if (job == "new") != !moved.isEmpty, !archived.isEmpty { return "the job is \(job ?? "none")" }
        outcomes.insert(!moved.isEmpty)
        let expected = job == "new" ? found.amended(before, others) : before
        guard try (found.rawLines() + moved).sorted() == expected else { return "lines were lost or doubled" }
        if let problem = try found.verify().problems.first(where: { $0.kind != .hints }) {
            return "after opening: \(problem)"
        }
        let again = try RecordStore.open(found.root, options: found.options)
        defer { try? again.close() }
        if !again.recovery.isClean { return "a second recovery found something to do: \(again.recovery)" }
        for number in chosen where !moved.isEmpty {
            if try again.lookup(RecordKey("item-\(number)")) != nil { return "item-\(number) is not pending" }
        }
        return found.files.snapshot.keys.first { $0.hasSuffix(".new") }.map { "\($0) is left" }
    }
}

extension SampleStore {
    /// The same store with these options, on its own machine.
    fileprivate func with(_ options: StoreOptions) -> SampleStore {
        var store = self
        store.options = options
        store.options.files = files
        return store
    }
}

@Suite struct RevisionCrashTests {
    @Test(arguments: 1...CrashCampaignTests.seeds)
    func survivesADeathAtEveryCall(seed: UInt64) throws {
        let campaign = try RevisionCampaign(seed: seed)
        try campaign.run()
        print("seed \(seed): \(campaign.points) crash points of a revision")
        for fault in campaign.faults { Issue.record("\(fault)") }
        #expect(campaign.points > 100 && campaign.outcomes.count == 2)
    }

    @Test(arguments: 1...CrashCampaignTests.seeds)
    func survivesAFullDisk(seed: UInt64) throws {
        let campaign = try RevisionCampaign(seed: seed)
        try campaign.runOutOfSpace()
        for fault in campaign.faults { Issue.record("\(fault)") }
        #expect(campaign.points > 10 && campaign.points < 1000)
    }
}
