import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Records of keys that already have a failure, as a retry appends them.
@Suite struct SupersedingTests {
    let files = SimulatedFileSystem(seed: 3)
    var options: StoreOptions { StoreFixture.options(files) }

    private func storeWithAFailure() throws -> RecordStore {
        let store = try StoreFixture.create(options)
        _ = try store.append([StoreFixture.record(0), StoreFixture.record(1, failing: 0)])
        try store.close()
        return try RecordStore.open(StoreFixture.root, options: options)
    }

    @Test func aFailureThatFailsAgainIsOneFailure() throws {
        let store = try storeWithAFailure()
        _ = try store.append([StoreFixture.record(1, failing: 1, attempts: 5)])
        try store.close()
        let reader = try StoreReader(StoreFixture.root, options: options)
        #expect(reader.counters.failed == 1)
        #expect(reader.counters.failedByClass[0] == 0)
        #expect(reader.counters.failedByClass[1] == 1)
        #expect(try reader.failedEntries().map(\.attempts) == [5])
        #expect(try StoreVerification.run(StoreFixture.root, options: options, deep: true).isClean)
    }

    @Test func aSuccessEndsTheFailure() throws {
        let store = try storeWithAFailure()
        _ = try store.append([StoreFixture.record(1, attempts: 2)])
        #expect(store.counters.failed == 0)
        try store.close()
        let reader = try StoreReader(StoreFixture.root, options: options)
        #expect(reader.counters.done == 2)
        #expect(try reader.failedEntries().isEmpty)
        #expect(try StoreFixture.lines(.failures, options).isEmpty)
        #expect(try StoreVerification.run(StoreFixture.root, options: options, deep: true).isClean)
    }
}
