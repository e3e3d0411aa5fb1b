import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// The store on the real file system, with its thread.
@Suite struct PosixStoreTests {
    private let directory: String

    init() throws {
        var template = Array("/tmp/retort-store-XXXXXX".utf8CString)
        directory = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    private func options(delta: Int = 300) -> StoreOptions {
        var options = StoreFixture.options(PosixFileSystem(), block: 2000, segment: 60_000, journal: 4000, delta: delta)
        options.usesThread = true
        options.sync = .interval(.milliseconds(2))
        return options
    }

    private func create(_ name: String, _ options: StoreOptions) throws -> RecordStore {
        try RecordStore.create(
            "\(directory)/\(name)", job: [:], failureClasses: StoreFixture.classes, tallies: ["n"], options: options)
    }

    private func cleanUp() throws {
        let files = PosixFileSystem()
        func empty(_ path: String) throws {
            for name in try files.entries(of: path) {
                let entry = path + "/" + name
                if unlink(entry) != 0 {
                    try empty(entry)
                    try files.removeDirectory(entry)
                }
            }
        }
        try empty(directory)
        try files.removeDirectory(directory)
    }

    @Test func aReaderDuringRotationsAndMerges() throws {
        let options = options()
        let store = try create("read", options)
        let root = store.root
        let promised = Locked(0)
        let done = Locked(false)
        let snapshots = Locked(0)
        let reader = TestThread {
            while !done.withLock({ $0 }) {
                let least = promised.withLock { $0 }
                do {
                    let reader = try StoreReader(root, options: options)
                    let counters = reader.counters
                    #expect(Int(counters.done + counters.failed) >= least)
                    #expect(reader.damage.isEmpty)
                    if least > 0 {
                        let record = try reader.record(RecordKey("item-\(least - 1)"))
                        #expect(record?.head.row == UInt64(least - 1))
                    }
                    var found = 0
                    for lane in Lane.allCases {
                        try reader.forEach(lane, onDamage: { Issue.record("\($0)") }) { _ in found += 1 }
                    }
                    #expect(found == Int(counters.done + counters.failed))
                    snapshots.withLock { $0 += 1 }
                } catch {
                    Issue.record("\(error)")
                }
            }
        }
        for number in 0..<3000 {
            _ = try store.append([StoreFixture.record(number, failing: number % 7 == 0 ? 1 : nil)])
            promised.withLock { $0 = number + 1 }
        }
        try store.close()
        done.withLock { $0 = true }
        reader.join()
        #expect(snapshots.withLock { $0 } > 0)
        try cleanUp()
    }

    @Test func lookupsWhileAppendingAndSyncing() throws {
        let store = try create("lookups", options(delta: 100))
        let promised = Locked(0)
        let done = Locked(false)
        let threads = (0..<2).map { thread in
            TestThread {
                var random = SeededGenerator(seed: UInt64(thread))
                while !done.withLock({ $0 }) {
                    let count = promised.withLock { $0 }
                    if count > 0 {
                        let number = Int.random(in: 0..<count, using: &random)
                        #expect((try? store.lookup(RecordKey("item-\(number)"))) != nil)
                    }
                    if thread == 0 { #expect(throws: Never.self) { try store.sync() } }
                    _ = store.counters
                    _ = store.inputProgress
                }
            }
        }
        for number in 0..<2000 {
            // Every tenth fails twice and then succeeds.
            for attempt in 0..<(number % 10 == 0 ? 3 : 1) {
                let failing: UInt8? = number % 10 == 0 && attempt < 2 ? 1 : nil
                _ = try store.append([StoreFixture.record(number, failing: failing, attempts: UInt32(attempt + 1))])
            }
            promised.withLock { $0 = number + 1 }
        }
        done.withLock { $0 = true }
        threads.forEach { $0.join() }
        #expect(store.counters.done == 2000)
        #expect(store.counters.failed == 0)
        try store.close()
        try cleanUp()
    }

    @Test func aStoreDroppedInTheMiddleGoesOn() throws {
        let options = options()
        for round in 0..<5 {
            let root = "\(directory)/drop"
            let store = round == 0 ? try create("drop", options) : try RecordStore.open(root, options: options)
            #expect(store.counters.done == UInt64(round * 100))
            for number in round * 100..<round * 100 + 100 { _ = try store.append([StoreFixture.record(number)]) }
        }
        try cleanUp()
    }

    @Test func directoriesAreMadeWithTheirParents() throws {
        let files = PosixFileSystem()
        try files.createDirectory("\(directory)/a/b//c/")
        try files.createDirectory("\(directory)/a/b/c")
        #expect(try files.entries(of: "\(directory)/a/b") == ["c"])
        try files.replace("\(directory)/file", with: [1], in: directory)
        #expect(throws: RetortError.self) { try files.createDirectory("\(directory)/file/x") }
        #expect(throws: RetortError.self) { try files.createDirectory("\(directory)/file") }
        #expect(throws: RetortError.self) { try files.entries(of: "\(directory)/file") }
        try cleanUp()
    }

    @Test func whoAsksForTheHolderDoesNotKeepAWriterOut() throws {
        let files = PosixFileSystem()
        let path = "\(directory)/LOCK"
        try files.lock(path).release()
        let done = Locked(false)
        let asker = TestThread {
            while !done.withLock({ $0 }) { _ = try? files.lockHolder(path) }
        }
        for _ in 0..<200 { try files.lock(path).release() }
        done.withLock { $0 = true }
        asker.join()
        let held = try files.lock(path)
        #expect(try files.lockHolder(path) == "process \(getpid())")
        #expect { try files.lock(path) } throws: { ($0 as? RetortError)?.cause == "held by process \(getpid())" }
        held.release()
        #expect(try files.lockHolder(path) == nil)
        try cleanUp()
    }
}
