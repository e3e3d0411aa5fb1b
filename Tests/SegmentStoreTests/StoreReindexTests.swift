import Basics
import TestSupport
import Testing

@testable import SegmentStore

@Suite struct StoreReindexTests {
    let store: SampleStore

    init() throws { store = try SampleStore().make() }

    @Test(arguments: StoreReindex.Source.allCases)
    func makesTheSameIndexAgain(source: StoreReindex.Source) throws {
        let counters = try StoreReader(store.root, options: store.options).counters
        let lines = try store.lines()
        let report = try StoreReindex.run(store.root, options: store.options, from: source)
        #expect(report.counters == counters)
        #expect(report.recovery.damage.isEmpty)
        #expect(try store.lines() == lines)
        #expect(try store.verify().isClean)
        #expect(try StoreReader(store.root, options: store.options).inputProgress.ledger.low == 90)
    }

    @Test(arguments: StoreReindex.Source.allCases)
    func mendsADamagedIndex(source: StoreReindex.Source) throws {
        for path in store.files.snapshot.keys where path.contains("/index/") {
            store.flip(path, at: store.files.snapshot[path]!.count / 2)
        }
        let report = try StoreReindex.run(store.root, options: store.options, from: source)
        #expect(report.counters.done + report.counters.failed == 90)

        #expect(try StoreReindex.run(store.root, options: store.options, from: .segments).recovery.damage.isEmpty)
        #expect(try store.verify().isClean)
    }

    @Test func refusesAStoreBeingWritten() throws {
        let writer = try RecordStore.open(store.root, options: store.options)
        #expect {
            try StoreReindex.run(store.root, options: store.options)
        } throws: { ($0 as? RetortError)?.code == .busy }
        try writer.close()
    }

    /// Interrupted anywhere, by kill or by power cut, it can be repeated with the same result.
    @Test func survivesADeathAtEveryCall() throws {
        let counters = try StoreReader(store.root, options: store.options).counters
        let start = store.files.calls
        _ = try StoreReindex.run(store.root, options: store.options, from: .segments)
        for call in 1...store.files.calls - start {
            for power in [false, true] {
                let fresh = try SampleStore(seed: UInt64(call)).make()
                fresh.files.die(duringCall: fresh.files.calls + call)
                _ = try? StoreReindex.run(fresh.root, options: fresh.options, from: .segments)
                power ? fresh.files.cutPower() : fresh.files.kill()
                #expect(try StoreReader(fresh.root, options: fresh.options).counters == counters, "call \(call)")
                let report = try StoreReindex.run(fresh.root, options: fresh.options, from: .segments)
                #expect(report.counters == counters, "call \(call)")
            }
        }
    }
}
