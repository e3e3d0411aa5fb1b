import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Bit flips in index files, and their loss: the index is rebuilt, and no answer is ever wrong.
@Suite struct IndexDamageTests {
    let files = SimulatedFileSystem(seed: 1)
    var options: StoreOptions { StoreFixture.options(files, delta: 12) }

    /// A store with runs of two levels, hints, a checkpoint, and records after it.
    private func killedStore() throws {
        var store = try StoreFixture.create(options)
        for number in 0..<90 { _ = try store.append([StoreFixture.record(number, failing: number % 4 == 0 ? 1 : nil)]) }
        try store.close()
        store = try RecordStore.open(StoreFixture.root, options: options)
        for number in 90..<97 { _ = try store.append([StoreFixture.record(number)]) }
        _ = try store.append([StoreFixture.record(4)])
        files.kill()
    }

    private func indexFiles() -> [String] {
        files.snapshot.keys.filter { $0.hasPrefix(StoreFixture.root + "/index/") && !$0.hasSuffix("/reserve") }.sorted()
    }

    /// Looks everything up through a reader and a writer. Every result that is not an error must be right.
    private func check(_ machine: SimulatedFileSystem, _ what: Comment) throws {
        var options = options
        options.files = machine
        for _ in 0..<2 {
            var store = try RecordStore.open(StoreFixture.root, options: options)
            if try !answersRightly({ try store.lookup(RecordKey("item-\($0)")) }, what) {
                // A page with a wrong checksum is reported, and the next opening rebuilds the index.
                try? store.close()
                store = try RecordStore.open(StoreFixture.root, options: options)
                #expect(store.recovery.indexWasRebuilt, what)
                #expect(try answersRightly({ try store.lookup(RecordKey("item-\($0)")) }, what), what)
            }
            #expect(store.counters.done == 75, what)
            #expect(store.counters.failed == 22, what)
            #expect(store.inputProgress.ledger.low == 97, what)
            try store.close()
        }
        let reader = try StoreReader(StoreFixture.root, options: options)
        #expect(try reader.record(RecordKey("item-7"))?.line == StoreFixture.line(StoreFixture.record(7)), what)
    }

    /// Every lookup of a reader succeeds and is right.
    private func checkReader(_ machine: SimulatedFileSystem, _ what: Comment) throws {
        var options = options
        options.files = machine
        let before = machine.snapshot
        let reader = try StoreReader(StoreFixture.root, options: options)
        #expect(try answersRightly({ try reader.lookup(RecordKey("item-\($0)")) }, what), what)
        #expect(reader.counters.done == 75 && reader.counters.failed == 22, what)
        for start in [4, 8, 96] {
            let fresh = try StoreReader(StoreFixture.root, options: options)
            let record = try fresh.record(RecordKey("item-\(start)"))
            #expect(record?.head.lane == (start == 8 ? .failures : .responses), what)
        }
        #expect(try StoreReader(StoreFixture.root, options: options).failedEntries().count == 22, what)
        #expect(try StoreFixture.lines(.responses, options).count == 75, what)
        #expect(try StoreFixture.lines(.failures, options).count == 22, what)
        #expect(machine.snapshot == before, what)
    }

    private func answersRightly(_ lookup: (Int) throws -> IndexEntry?, _ what: Comment) throws -> Bool {
        for number in 0..<110 {
            do {
                let entry = try lookup(number)
                let isFailed = number % 4 == 0 && number < 90 && number != 4
                #expect(entry?.recordStatus == (number >= 97 ? nil : isFailed ? .failed(classIndex: 1) : .ok), what)
            } catch let error as RetortError where error.code == .damagedData {
                return false
            }
        }
        return true
    }

    @Test func everyFileLost() throws {
        try killedStore()
        let paths = indexFiles()
        #expect(paths.contains { $0.contains("run-") } && paths.contains { $0.contains("hints-failures") })
        for path in paths {
            let machine = files.fork(seed: 1)
            machine.overwrite(path, with: nil)
            try check(machine, "without \(path)")
        }
        let machine = files.fork(seed: 1)
        for path in paths { machine.overwrite(path, with: nil) }
        try check(machine, "without an index")
    }

    @Test func everyFileCut() throws {
        try killedStore()
        for path in indexFiles() {
            let content = files.snapshot[path]!
            for cut in stride(from: 0, to: content.count, by: max(1, content.count / 12)) {
                let machine = files.fork(seed: 1)
                machine.overwrite(path, with: Array(content[..<cut]))
                try check(machine, "\(path) cut at \(cut)")
            }
        }
    }

    @Test func flippedBits() throws {
        try killedStore()
        var random = SeededGenerator(seed: 5)
        for path in indexFiles() {
            let content = files.snapshot[path]!
            // Unused parts of pages are zeros: flips go to used bytes, and a few anywhere.
            let used = content.indices.filter { content[$0] != 0 }
            for flip in 0..<24 {
                let position =
                    flip < 20 ? used.randomElement(using: &random)! : content.indices.randomElement(using: &random)!
                var flipped = content
                flipped[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                let machine = files.fork(seed: 1)
                machine.overwrite(path, with: flipped)
                try checkReader(machine, "\(path) flipped at \(position)")
                try check(machine, "\(path) flipped at \(position)")
            }
        }
    }

    @Test func filesOfAnotherStoreAreNotTaken() throws {
        try killedStore()
        let own = files.fork(seed: 1)
        for path in indexFiles() + [StoreFixture.root + "/retort.json"] { files.overwrite(path, with: nil) }
        for path in files.snapshot.keys { files.overwrite(path, with: nil) }
        try killedStore()
        for path in indexFiles() {
            let machine = own.fork(seed: 2)
            machine.overwrite(path, with: files.snapshot[path]!)
            try check(machine, "\(path) of another store")
        }
    }

    /// A hint group for a block that a power cut has removed, and whose place an equally large one has now.
    @Test func staleHintsOfTheSamePlace() throws {
        let store = try StoreFixture.create(StoreFixture.options(files, block: 1 << 20))
        _ = try store.append([StoreFixture.record(11)])
        try store.close()
        let other = files.fork(seed: 1)
        let hints = StoreFixture.root + "/index/hints-responses-000001.log"
        let segment = StoreFixture.root + "/responses/000001.jsonl.gz"
        let log = files.snapshot[hints]!
        var group = try #require(
            log.withUnsafeBytes { HintGroup.decode($0, storeID: storeID, lane: .responses, segment: 1) })
        group.payloadChecksum ^= 1
        group.hints[0].hash = RecordKey("somebody-else").hash
        for path in indexFiles() { other.overwrite(path, with: nil) }
        other.overwrite(hints, with: group.encoded(storeID: storeID))
        #expect(other.snapshot[segment] != nil)
        var options = options
        options.files = other
        let again = try RecordStore.open(StoreFixture.root, options: options)
        #expect(try again.lookup(RecordKey("somebody-else")) == nil)
        #expect(try again.lookup(RecordKey("item-11"))?.recordStatus == .ok)
        try again.close()
    }

    private var storeID: UInt64 { (try? RecordStore.manifest(of: StoreFixture.root, files: files))??.storeID ?? 0 }
}
