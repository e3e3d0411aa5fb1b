import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

@Suite struct SyncTicketTests {
    /// A sync is requested during another one, for a record written after the other one's fdatasync: it gets a sync of
    /// its own.
    @Test func aSyncAnswersNobodyWhoAskedAfterItBegan() throws {
        let disk = SimulatedFileSystem(seed: 1)
        let files = HookedFileSystem(disk)
        var options = StoreFixture.options(files, block: 1 << 20, journal: 1 << 20)
        options.usesThread = true
        let store = try StoreFixture.create(options)
        let late = Locked<TestThread?>(nil)
        let survived = Locked<UInt64?>(nil)
        _ = try store.append([StoreFixture.record(0)])
        files.afterSync.withLock { hook in
            hook = { path in
                guard path.contains("journal") else { return }
                files.afterSync.withLock { $0 = nil }
                _ = try? store.append([StoreFixture.record(1)])
                let asked = store.sealing.thread!.syncsAsked
                let thread = TestThread {
                    try? store.sync()
                    let dead = disk.fork(seed: 2)
                    dead.cutPower()
                    let again = try? RecordStore.open(StoreFixture.root, options: StoreFixture.options(dead))
                    survived.withLock { $0 = again?.counters.done }
                }
                late.withLock { $0 = thread }
                while store.sealing.thread!.syncsAsked == asked { sched_yield() }
            }
        }
        try store.sync()
        late.withLock { $0 }!.join()
        #expect(survived.withLock { $0 } == 2)
        try store.close()
    }
}
