import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Looking up several keys at once, and how many runs are searched.
@Suite struct LookupTests {
    let files = SimulatedFileSystem(seed: 1)

    @Test(arguments: [true, false]) func severalKeysAtOnceAreAnsweredAsOneByOne(isReopened: Bool) throws {
        let options = StoreFixture.options(files)
        var store = try StoreFixture.create(options)
        for first in stride(from: 0, to: 1000, by: 7) {
            _ = try store.append(
                (first..<first + 7).map { StoreFixture.record($0, failing: $0 % 5 == 0 ? UInt8($0 % 3) : nil) })
        }
        // Some failures are settled by successes in runs, in the table, and in the journal.
        _ = try store.append(stride(from: 0, to: 1000, by: 20).map { StoreFixture.record($0) })
        if isReopened {
            try store.close()
            store = try RecordStore.open(StoreFixture.root, options: options)
        }
        let hashes = (0..<1200).reversed().map { RecordKey("item-\($0)").hash }
        let one = try hashes.map { hash throws in try store.lookup(hash) }
        #expect(try store.lookup(hashes) == one)
        #expect(one.count { $0?.recordStatus == .ok } == 850)
        #expect(one.count { $0 == nil } == 200 - 1)
        #expect(try store.lookup([]).isEmpty)
        let reader = try StoreReader(StoreFixture.root, options: options)
        #expect(try hashes.map { hash throws in try reader.lookup(hash)?.status } == one.map { $0?.status })
    }

    @Test func equalHighHalvesAreFoundAcrossPages() throws {
        let layout = StoreLayout(root: StoreFixture.root)
        try files.createDirectory(StoreFixture.root)
        try files.createDirectory(layout.index)
        let keys = (0..<1000).map { Hash128(high: UInt64($0 / 300) << 60, low: UInt64($0) << 7) }
        let hints = keys.map { hash in
            IndexEntry(hash: hash, segment: 1, offset: 2, record: 3, status: 0, attempts: 1, fingerprint: 4)
        }
        let run = try Run.write(ArrayCursor(sorting: hints), Run.Form(lane: .responses, number: 1), layout, files)
        let others = keys.map { Hash128(high: $0.high, low: $0.low + 1) } + [Hash128(high: .max, low: 0)]
        var batch = LookupBatch(keys + others)
        try run.lookup(&batch)
        #expect(batch.entries.prefix(1000).map { $0?.hash } == keys)
        #expect(batch.open == Array(1000..<2001))
        for key in keys { #expect(try run.lookup(key)?.hash == key) }
        for key in others { #expect(try run.lookup(key) == nil) }
    }

    @Test func eachRunIsSeveralTimesAsLargeAsTheNextNewerOne() throws {
        let options = StoreFixture.options(files)
        let store = try StoreFixture.create(options)
        for number in 0..<3000 { _ = try store.append([StoreFixture.record(number)]) }
        try store.close()
        let image = try StoreImage.load(StoreFixture.root, options: options, mends: false)
        let counts = image.index.withLock { $0.responses.runs.map(\.count) }
        #expect(counts.reduce(0, +) == 3000)
        for (newer, older) in zip(counts, counts.dropFirst()) {
            #expect(older >= newer * options.tuning.runRatio)
        }
    }

    @Test func fewFailuresDoNotHoldBackWhereTheInputIsReadAgain() throws {
        var options = StoreFixture.options(files)
        options.tuning.passedByMax = 100
        let store = try StoreFixture.create(options)
        try store.beginInput(identity: Hash128(high: 1, low: 2), files: ["input"])
        for number in 0..<200 {
            store.noteLandmark(InputLandmark(row: UInt64(number), file: 0, byteOffset: 0, line: 1))
            _ = try store.append([StoreFixture.record(number, failing: number == 3 ? 0 : nil)])
        }
        files.kill()
        let again = try StoreReader(StoreFixture.root, options: options)
        #expect(again.inputProgress.landmark.row >= 100)
    }
}
