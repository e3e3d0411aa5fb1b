import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// Failing calls in a process that continues: nothing is lost, the error names the file, and work continues when
/// possible.
@Suite struct FaultTests {
    let files = SimulatedFileSystem(seed: 1)
    var options: StoreOptions { StoreFixture.options(files, delta: 9) }

    private func records(_ range: Range<Int>) -> [NewRecord] {
        range.map { StoreFixture.record($0, failing: $0 % 5 == 1 ? 0 : nil) }
    }

    /// Whichever call meets a full disk, and for however long: after the batches are appended again, everything is
    /// there.
    @Test(arguments: [1, 2, 5, 20])
    func aFullDiskAtAnyCall(length: Int) throws {
        var call = 8
        while true {
            files.overwriteAll()
            let store = try StoreFixture.create(options)
            let start = files.calls
            files.fail(calls: start + call..<start + call + length, with: ENOSPC)
            for batch in 0..<12 {
                while true {
                    do throws(RetortError) {
                        _ = try store.append(records(batch * 4..<batch * 4 + 4))
                        break
                    } catch {
                        #expect(error.code == .noSpace, "call \(call): \(error)")
                        guard error.code == .noSpace else { return }
                    }
                }
            }
            if files.calls < start + call { break }
            while (try? store.sync()) == nil { #expect(store.trouble?.code ?? .noSpace == .noSpace, "call \(call)") }
            let dead = files.fork(seed: UInt64(call))
            dead.cutPower()
            try expectAll(dead, "call \(call), after a power cut")
            try store.close()
            try expectAll(files, "call \(call)")
            call += 3
        }
        #expect(call > 60)
    }

    private func expectAll(_ machine: SimulatedFileSystem, _ what: Comment) throws {
        var options = options
        options.files = machine
        let store = try RecordStore.open(StoreFixture.root, options: options)
        #expect(store.counters.done == 38, what)
        #expect(store.counters.failed == 10, what)
        try store.close()
        #expect(try StoreFixture.lines(.responses, options).count == 38, what)
        #expect(try StoreFixture.lines(.failures, options).count == 10, what)
    }

    @Test func aFullDiskLeavesNoRemains() throws {
        let store = try StoreFixture.create(options)
        _ = try store.append(records(0..<40))
        try store.sync()
        for _ in 0..<10 {
            files.limitSpace(toFurther: 3000)
            _ = try? store.append(records(40..<80))
            _ = try? store.sync()
        }
        files.clearFaults()
        _ = try store.append(records(40..<80))
        try store.close()
        let runs = files.snapshot.keys.filter { $0.hasSuffix(".idx") }
        let checkpoint = try #require(
            Checkpoint.decode(files.snapshot[StoreFixture.root + "/index/checkpoint"]!, storeID: storeID))
        #expect(runs.count == checkpoint.runs.values.joined().count)
        #expect(try StoreFixture.lines(.responses, options).count == 64)
    }

    private var storeID: UInt64 { (try? RecordStore.manifest(of: StoreFixture.root, files: files))??.storeID ?? 0 }

    @Test(arguments: SimulatedFileSystem.Call.allCases)
    func anInputOutputErrorNamesItsFile(call: SimulatedFileSystem.Call) throws {
        var errors = 0
        for after in 0..<12 {
            files.overwriteAll()
            let store = try StoreFixture.create(options)
            // The first failed sync is tolerated; the second is not.
            files.fail(call, after: after, with: EIO, repeats: true)
            do throws(RetortError) {
                for number in 0..<40 { _ = try store.append(records(number..<number + 1)) }
                try store.sync()
                try store.close()
            } catch {
                errors += 1
                #expect(error.code == .io)
                #expect(error.place?.hasPrefix(StoreFixture.root + "/") == true || error.place == StoreFixture.root)
                #expect(error.cause?.contains("Input/output error") == true)
            }
        }
        // Nothing is truncated unless it was torn, and only the index is read, which is a cache.
        #expect((errors > 0) == (call != .truncate && call != .read))
    }

    @Test func aFailedSyncOfASegmentMovesItsBlocks() throws {
        let store = try StoreFixture.create(StoreFixture.options(files, segment: 1 << 20))
        _ = try store.append(records(0..<30))
        try store.sync()
        _ = try store.append(records(30..<60))
        let segment = StoreFixture.root + "/responses/000001.jsonl.gz"
        files.fail(.sync, with: EIO)
        try store.sync()
        // The failed file ends where it was durable, and the rest is in the next one.
        #expect(files.snapshot[StoreFixture.root + "/responses/000002.jsonl.gz"] != nil)
        let sealed = try #require(store.manifest.segments(.responses).first)
        #expect(sealed.sealed && sealed.bytes == files.snapshot[segment]!.count)
        let dead = files.fork(seed: 9)
        dead.cutPower()
        var options = options
        options.files = dead
        #expect(try RecordStore.open(StoreFixture.root, options: options).counters.done == 48)
        _ = try store.append(records(60..<90))
        files.fail(.sync, with: EIO)
        #expect { try store.sync() } throws: { ($0 as? RetortError)?.code == .io }
        #expect(store.trouble?.code == .io)
    }

    /// The process whose sync failed has ended. The next one sees intact pages that are not on the disk, and a sync of
    /// them would succeed without writing them.
    @Test func aSyncThatFailedInAnEarlierProcessIsMadeUpFor() throws {
        let options = StoreFixture.options(files, segment: 1 << 20, journal: 1 << 20)
        let store = try StoreFixture.create(options)
        _ = try store.append(records(0..<10))
        try store.sync()
        _ = try store.append(records(10..<40))
        files.fail(.sync, with: EIO, repeats: true)
        #expect(throws: RetortError.self) { try store.sync() }
        files.clearFaults()
        files.kill()
        let again = try RecordStore.open(StoreFixture.root, options: options)
        try again.sync()
        for seed in 0..<10 {
            let dead = files.fork(seed: UInt64(seed))
            dead.cutPower()
            var options = options
            options.files = dead
            let third = try RecordStore.open(StoreFixture.root, options: options)
            #expect(third.counters.done + third.counters.failed == 40)
        }
        try again.close()
    }

    @Test func aFailedSyncOfAJournalWritesItAgainElsewhere() throws {
        let store = try StoreFixture.create(StoreFixture.options(files, block: 1 << 20, journal: 1 << 20))
        _ = try store.append(records(0..<10))
        files.fail(.sync, with: EIO)
        try store.sync()
        _ = try store.append(records(10..<20))
        try store.sync()
        for seed in 0..<20 {
            let dead = files.fork(seed: UInt64(seed))
            dead.cutPower()
            var options = options
            options.files = dead
            let again = try RecordStore.open(StoreFixture.root, options: options)
            #expect(again.counters.done + again.counters.failed == 20)
        }
        files.fail(.sync, with: EIO)
        _ = try store.append(records(20..<22))
        #expect { try store.sync() } throws: { ($0 as? RetortError)?.code == .io }
    }
}
