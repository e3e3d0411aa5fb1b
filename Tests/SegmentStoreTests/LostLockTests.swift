import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// A file server that gives the store's lock to another machine while a run writes.
@Suite struct LostLockTests {
    @Test func nothingIsWrittenBehindALostLock() throws {
        let disk = SimulatedFileSystem(seed: 4)
        let files = HookedFileSystem(disk)
        let store = try StoreFixture.create(StoreFixture.options(files))
        for number in 0..<30 { _ = try store.append([StoreFixture.record(number)]) }
        try store.sync()
        files.hasLostLocks.withLock { $0 = true }
        func segments() -> [String: [UInt8]] { disk.snapshot.filter { $0.key.hasSuffix(".gz") } }
        let before = segments()
        let error = #expect(throws: RetortError.self) {
            for number in 30..<90 { _ = try store.append([StoreFixture.record(number)]) }
            try store.sync()
        }
        #expect(error?.code == .io && error?.message == "the lock is lost")
        #expect(segments() == before)
        #expect(throws: RetortError.self) { try store.close() }
        #expect(segments() == before)
        // The other machine finds everything that was received, in the journals.
        files.hasLostLocks.withLock { $0 = false }
        disk.kill()
        let other = try RecordStore.open(StoreFixture.root, options: StoreFixture.options(disk))
        #expect(other.counters.done >= 30)
        try other.close()
    }

    /// On a local disk the kernel keeps the lock, and nothing is written to prove it.
    @Test func aLocalLockCostsNothing() throws {
        var template = Array("/tmp/retort-lock-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        let lock = try PosixFileSystem().lock(folder + "/LOCK")
        try lock.confirm()
        lock.release()
        try lock.confirm()
    }
}
