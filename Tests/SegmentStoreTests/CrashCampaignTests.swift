import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// One workload, run once on a simulated machine. At each of its calls copies of the machine crash, by kill and by
/// power cut, and are compared with the oracle. A share of them crash again at each call of the recovery.
final class CrashCampaign: @unchecked Sendable {
    let seed: UInt64
    let options: StoreOptions
    private let files: SimulatedFileSystem
    private var random: SeededGenerator
    private var oracle = CrashOracle()
    private(set) var points = 0
    private var calls = 0
    private var deaths = 0
    /// Numbers the rounds and verdicts.
    private var stated = 0
    private(set) var faults: [String] = []

    /// One of this many crashes is followed by a crash at every call of its recovery.
    private static let recoveriesApart = 30
    /// The machine crashes at one of this many calls. A campaign with given seeds crashes at each.
    static let callsApart = isWhole ? 1 : 9
    static let isWhole = getenv("RETORT_CAMPAIGN_SEEDS") != nil
    /// After one of this many crash points the store is used, closed and opened again; after the others it is only
    /// inspected.
    private static let thoroughOnesApart = 4

    init(seed: UInt64) {
        self.seed = seed
        files = SimulatedFileSystem(seed: seed)
        random = SeededGenerator(seed: seed)
        options = StoreFixture.options(
            files, block: Int.random(in: 200...900, using: &random),
            segment: Int.random(in: 500...3000, using: &random),
            journal: Int.random(in: 100...1500, using: &random), delta: Int.random(in: 3...40, using: &random))
    }

    /// Works, crashes at every call, and returns what went wrong.
    func run(sessions: Int, appendsPerSession: Int, withFaults: Bool) {
        files.observe { machine in
            self.calls += 1
            if (self.calls + Int(self.seed)) % Self.callsApart == 0 { self.dieNow(machine) }
        }
        if withFaults { plantFaults(calls: sessions * appendsPerSession * 9) }
        var next = 0
        for _ in 0..<sessions { session(appendsPerSession, next: &next) }
        files.observe(nil)
        dieNow(files)
    }

    /// A full disk for a while, and a few calls that fail independently.
    private func plantFaults(calls: Int) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let start = Int.random(in: 8...calls, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: files.fail(calls: start..<start + Int.random(in: 1...12, using: &random), with: ENOSPC)
            case 1: files.fail(calls: start..<start + Int.random(in: 1...3, using: &random), with: EIO)
            case 2: files.fail(.sync, after: Int.random(in: 0...calls / 8, using: &random), with: EIO)
            default: files.fail(.write, after: Int.random(in: 0...calls / 3, using: &random), with: ENOSPC)
            }
        }
    }

    private func session(_ appends: Int, next: inout Int) {
        var opened: RecordStore?
        for _ in 0..<appends {
            do throws(RetortError) {
                if opened == nil { opened = try openOrCreate() }
                let store = opened!
                if next == 0 { try store.beginInput(identity: Hash128(high: 1, low: 2), files: ["input"]) }
                try append(to: store, next: &next)
                if Bool.random(using: &random) { try setMark(of: store) }
                if Int.random(in: 0..<4, using: &random) == 0 {
                    try store.sync()
                    oracle.acknowledgeSync()
                }
            } catch {
                // A full disk is temporary. After any other error the process would end, so the store is abandoned.
                if error.code != .noSpace { opened = nil }
            }
        }
        if let store = opened {
            do throws(RetortError) {
                try store.close()
                oracle.acknowledgeSync()
            } catch {
                // As if it had been killed.
            }
        }
    }

    private func append(to store: RecordStore, next: inout Int) throws(RetortError) {
        var batch: [NewRecord] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) { batch.append(nextRecord(&next)) }
        for _ in 0..<Int.random(in: 0...3, using: &random) { batch.append(nextBeside(next)) }
        oracle.submit(batch)
        _ = try store.append(batch)
        oracle.acknowledge(batch)
    }

    /// A round or a verdict of an item, with or without an outcome; often one with an existing key.
    private func nextBeside(_ next: Int) -> NewRecord {
        stated += 1
        let item = Int.random(in: max(0, next - 6)...next, using: &random)
        if Bool.random(using: &random) {
            return StoreFixture.round(item, UInt32.random(in: 1...3, using: &random), stating: stated)
        }
        return StoreFixture.verdict(item, of: Bool.random(using: &random) ? "judge" : "unit \"tests\"", stating: stated)
    }

    private func setMark(of store: RecordStore) throws(RetortError) {
        let value = oracle.nextMark()
        try store.setMark(value)
        oracle.acknowledgeMark(value)
    }

    /// A new item, or a known one, which may have failed.
    private func nextRecord(_ next: inout Int) -> NewRecord {
        if next > 6, Int.random(in: 0..<3, using: &random) == 0 {
            let again = Int.random(in: max(0, next - 30)..<next, using: &random)
            let failing: UInt8? = Bool.random(using: &random) ? nil : 2
            return StoreFixture.record(again, failing: failing, attempts: UInt32.random(in: 2...99, using: &random))
        }
        defer { next += 1 }
        return StoreFixture.record(next, failing: Int.random(in: 0..<3, using: &random) == 0 ? 1 : nil)
    }

    private func openOrCreate() throws(RetortError) -> RecordStore {
        if try RecordStore.manifest(of: StoreFixture.root, files: files) != nil {
            return try RecordStore.open(StoreFixture.root, options: options)
        }
        return try StoreFixture.create(options)
    }

    // MARK: Crashes

    private func dieNow(_ machine: SimulatedFileSystem) {
        deaths += 1
        let explores = deaths % Self.recoveriesApart == 0
        for (number, power) in [false, true, true].enumerated() {
            let dead = corpse(of: machine, power: power)
            judge(dead.fork(seed: seed), power: power)
            guard explores && number < 2 else { continue }
            let oracle = oracle
            dead.observe { machine in
                self.judge(self.corpse(of: machine, power: power), power: power, of: oracle)
            }
            var options = options
            options.files = dead
            if let store = try? RecordStore.open(StoreFixture.root, options: options) { try? store.close() }
        }
    }

    private func corpse(of machine: SimulatedFileSystem, power: Bool) -> SimulatedFileSystem {
        let dead = machine.fork(seed: random.next())
        power ? dead.cutPower() : dead.kill()
        return dead
    }

    private func judge(_ machine: SimulatedFileSystem, power: Bool, of oracle: CrashOracle? = nil) {
        points += 1
        guard faults.count < 5 else { return }
        let place =
            "seed \(seed), call \(machine.calls) \(machine.lastCall), \(power ? "power cut" : "kill"), point \(points)"
        do {
            if let fault = try (oracle ?? self.oracle).judge(
                machine, options, power: power, thoroughly: points % Self.thoroughOnesApart == 0)
            {
                faults.append("\(fault): \(place)")
            }
        } catch {
            faults.append("\(error): \(place)")
        }
    }
}

@Suite struct CrashCampaignTests {
    /// `RETORT_CAMPAIGN_SEEDS` runs more seeds than the few of every test run.
    static let seeds: UInt64 = getenv("RETORT_CAMPAIGN_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 3

    @Test(arguments: 1...seeds)
    func survivesADeathAtEveryCall(seed: UInt64) {
        explore(CrashCampaign(seed: seed), withFaults: false)
    }

    @Test(arguments: 10_001...10_000 + seeds)
    func survivesADeathAfterFaults(seed: UInt64) {
        explore(CrashCampaign(seed: seed), withFaults: true)
    }

    private func explore(_ campaign: CrashCampaign, withFaults: Bool) {
        campaign.run(sessions: 4, appendsPerSession: 12, withFaults: withFaults)
        print("seed \(campaign.seed): \(campaign.points) crash points")
        for fault in campaign.faults { Issue.record("\(fault)") }
        #expect(campaign.points > 300)
    }
}
