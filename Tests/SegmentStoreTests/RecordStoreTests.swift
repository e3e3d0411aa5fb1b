import Basics
import TestSupport
import Testing

@testable import SegmentStore

@Suite struct RecordStoreTests {
    let files = SimulatedFileSystem(seed: 1)
    var options: StoreOptions { StoreFixture.options(files) }

    @Test func keepsWhatItWasGiven() throws {
        let store = try StoreFixture.create(options)
        let records = (0..<300).map { StoreFixture.record($0, failing: $0 % 10 == 3 ? UInt8($0 % 3) : nil) }
        for start in stride(from: 0, to: 300, by: 7) {
            _ = try store.append(Array(records[start..<min(start + 7, 300)]))
        }
        #expect(store.counters.done == 270)
        #expect(store.counters.failed == 30)
        try store.close()

        let responses = try StoreFixture.lines(.responses, options)
        let failures = try StoreFixture.lines(.failures, options)
        #expect(responses.count == 270)
        #expect(failures.count == 30)
        for record in records {
            let found = record.status == .ok ? responses : failures
            #expect(found[record.key.description] == StoreFixture.line(record))
        }
        let reader = try StoreReader(StoreFixture.root, options: options)
        #expect(reader.counters == store.counters)
        #expect(reader.counters.tallies[0] == (0..<300).reduce(0, +))
        #expect(try reader.record(records[42].key)?.line == StoreFixture.line(records[42]))
        #expect(try reader.record(RecordKey("nobody")) == nil)
        #expect(try reader.failedEntries().count == 30)
        #expect(reader.inputProgress.ledger.low == 300)
    }

    @Test func aReaderSeesTheJournalOfALivingWriter() throws {
        let store = try StoreFixture.create(options)
        for number in 0..<25 {
            _ = try store.append([StoreFixture.record(number, failing: number % 5 == 0 ? 1 : nil)])
            let reader = try StoreReader(StoreFixture.root, options: options)
            #expect(reader.counters == store.counters)
            #expect(try reader.record(RecordKey("item-\(number)"))?.line != nil)
        }
        #expect(try StoreReader(StoreFixture.root, options: options).writer() == "the test")
    }

    @Test func refusesASecondSuccessAndAFailureAfterASuccess() throws {
        let store = try StoreFixture.create(options)
        #expect(try store.append([StoreFixture.record(1), StoreFixture.record(1)]).duplicates == 1)
        #expect(try store.append([StoreFixture.record(1, failing: 0)]).duplicates == 1)
        #expect(store.counters.done == 1)
        #expect(store.counters.failed == 0)
    }

    @Test func aSuccessSettlesAFailure() throws {
        let store = try StoreFixture.create(options)
        _ = try store.append([StoreFixture.record(1, failing: 0), StoreFixture.record(2, failing: 1)])
        _ = try store.append([StoreFixture.record(2, failing: 2, attempts: 9)])
        #expect(store.counters.failedByClass[..<3] == [1, 0, 1])
        _ = try store.append([StoreFixture.record(1)])
        #expect(store.counters.failed == 1)
        #expect(store.counters.done == 1)
        try store.close()
        let reader = try StoreReader(StoreFixture.root, options: options)
        #expect(try reader.failedEntries().map(\.attempts) == [9])
        #expect(try StoreFixture.lines(.failures, options).keys.sorted() == ["item-2"])
    }

    @Test func goesOnAfterAClose() throws {
        try StoreFixture.create(options).close()
        for round in 0..<5 {
            let store = try RecordStore.open(StoreFixture.root, options: options)
            #expect(store.recovery.isClean)
            #expect(store.counters.done == UInt64(round * 20))
            _ = try store.append((0..<20).map { StoreFixture.record(round * 20 + $0) })
            try store.close()
        }
        #expect(try StoreFixture.lines(.responses, options).count == 100)
    }

    @Test func leavesNoEmptySegmentAndNoJournal() throws {
        let store = try StoreFixture.create(options)
        try store.close()
        #expect(!files.snapshot.keys.contains { $0.hasSuffix(".gz") || $0.contains("journal") })
    }

    @Test func aSecondWriterIsRefused() throws {
        let store = try StoreFixture.create(options)
        #expect {
            try RecordStore.open(StoreFixture.root, options: options)
        } throws: { ($0 as? RetortError)?.code == .busy }
        try store.close()
    }

    @Test func namesWhatIsNotAStore() {
        #expect {
            try RecordStore.open("/nowhere", options: options)
        } throws: { ($0 as? RetortError)?.code == .notFound }
    }

    @Test func refusesAStoreOfNewerCode() throws {
        try StoreFixture.create(options).close()
        let path = StoreFixture.root + "/retort.json"
        let text = String(decoding: files.snapshot[path]!, as: UTF8.self)
        for newer in [
            text.replacing("\"version\" : 2", with: "\"version\" : 3"),
            text.replacing("\"checks\"", with: "\"x\""),
        ] {
            #expect(newer != text)
            files.overwrite(path, with: Array(newer.utf8))
            #expect {
                try RecordStore.open(StoreFixture.root, options: options)
            } throws: { ($0 as? RetortError)?.code == .configuration }
        }
    }

    @Test func refusesToWriteWhereASegmentIsGoneOrShort() throws {
        let store = try StoreFixture.create(options)
        _ = try store.append((0..<200).map { StoreFixture.record($0) })
        try store.close()
        let path = StoreFixture.root + "/responses/000001.jsonl.gz"
        let content = files.snapshot[path]!
        for damaged in [nil, Array(content.dropLast(1))] {
            files.overwrite(path, with: damaged)
            #expect {
                try RecordStore.open(StoreFixture.root, options: options)
            } throws: { ($0 as? RetortError)?.code == .damagedData }
        }
    }
}
