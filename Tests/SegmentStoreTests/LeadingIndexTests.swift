import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// The index must never be ahead of the data: a checkpoint counts only what is on the disk.
@Suite struct LeadingIndexTests {
    /// So many records were not in the index that it is flushed while the store is being opened: not before the blocks,
    /// which a kill left in the kernel's memory, are on the disk. A power cut happens at each call of that opening.
    @Test func theIndexDoesNotLeadTheSegmentsWhileTheyAreRead() throws {
        let files = SimulatedFileSystem(seed: 8)
        var options = StoreFixture.options(files, block: 300, segment: 1 << 20, journal: 1 << 20, delta: 500)
        let store = try StoreFixture.create(options)
        _ = try store.append((0..<9).map { StoreFixture.record($0, failing: $0 % 2 == 0 ? 1 : nil) })
        try store.sync()
        _ = try store.append((9..<60).map { StoreFixture.record($0, failing: $0 % 2 == 0 ? 1 : nil) })
        files.kill()
        options = StoreFixture.options(files, block: 300, segment: 1 << 20, journal: 1 << 20, delta: 12)
        var checkpoints = 0
        for call in 1...60 {
            let machine = files.fork(seed: UInt64(call))
            machine.die(duringCall: machine.calls + call)
            options.files = machine
            _ = try? RecordStore.open(StoreFixture.root, options: options)
            machine.cutPower()
            if machine.snapshot[StoreFixture.root + "/index/checkpoint"] != nil { checkpoints += 1 }
            let again = try RecordStore.open(StoreFixture.root, options: options)
            #expect(again.counters.done + again.counters.failed >= 9, "call \(call)")
            try again.close()
            let lines = try StoreFixture.lines(.responses, options).count + StoreFixture.lines(.failures, options).count
            #expect(again.counters.done + again.counters.failed == UInt64(lines), "call \(call)")
        }
        #expect(checkpoints > 10)
    }
}
