import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// The index is a cache: a failed write of it is noted and does not end the work.
@Suite struct UnwritableIndexTests {
    let files = SimulatedFileSystem(seed: 1)
    var options: StoreOptions { StoreFixture.options(files, delta: 9) }

    private func fill(_ store: RecordStore, _ numbers: Range<Int>) throws {
        for number in numbers {
            _ = try store.append([StoreFixture.record(number, failing: number % 5 == 1 ? 0 : nil)])
        }
    }

    private var runs: [String] { files.snapshot.keys.filter { $0.hasSuffix(".idx") }.sorted() }

    private func checkpointedRuns(_ store: RecordStore) throws -> [String] {
        let layout = StoreLayout(root: StoreFixture.root)
        let bytes = try #require(files.snapshot[layout.checkpoint])
        let checkpoint = try #require(Checkpoint.decode(bytes, storeID: store.manifest.storeID))
        return checkpoint.runs.values.joined().map { layout.run($0) }.sorted()
    }

    static let calls: [SimulatedFileSystem.Call] = [.create, .write, .sync, .rename, .syncDirectory, .remove]

    @Test(arguments: calls, [EIO, ENOSPC])
    func workGoesOnWithoutIt(call: SimulatedFileSystem.Call, number: Int32) throws {
        for part in ["/index", "/index/run-", "/index/checkpoint", "/index/hints"] {
            files.overwriteAll()
            let store = try StoreFixture.create(options)
            try fill(store, 0..<20)
            files.fail(call, on: part, with: number, repeats: true)
            try fill(store, 20..<60)
            try store.sync()
            #expect(store.trouble == nil, "\(part)")
            let dead = files.fork(seed: 4)
            try store.close()
            try expectAll(dead, isKilled: true, "\(part), killed")
            try expectAll(files, isKilled: false, "\(part), closed")
        }
    }

    private func expectAll(_ machine: SimulatedFileSystem, isKilled: Bool, _ what: Comment) throws {
        if isKilled { machine.cutPower() } else { machine.clearFaults() }
        var options = options
        options.files = machine
        let store = try RecordStore.open(StoreFixture.root, options: options)
        #expect(store.counters.done == 48 && store.counters.failed == 12, what)
        #expect(store.indexTrouble == nil, what)
        try store.close()
        #expect(try StoreFixture.lines(.responses, options).count == 48, what)
        #expect(try StoreFixture.lines(.failures, options).count == 12, what)
    }

    @Test func itIsSaidAndMadeUpFor() throws {
        let store = try StoreFixture.create(options)
        files.fail(.sync, on: "/index/checkpoint.tmp", with: EIO, repeats: true)
        try fill(store, 0..<30)
        #expect(store.indexTrouble?.place == StoreFixture.root + "/index/checkpoint.tmp")
        files.clearFaults()
        try fill(store, 30..<60)
        #expect(store.indexTrouble == nil)
        try store.close()
        #expect(try checkpointedRuns(store) == runs)
    }

    @Test func aReindexThatCannotWriteSaysSo() throws {
        let store = try StoreFixture.create(options)
        try fill(store, 0..<30)
        try store.close()
        files.fail(.write, on: "/index/run-", with: EIO, repeats: true)
        #expect(throws: RetortError.self) { try StoreReindex.run(StoreFixture.root, options: options) }
    }

    /// Whichever write of a run meets the full disk, no part of that run is left behind.
    @Test(arguments: 0..<6)
    func aRunThatDoesNotFitIsRemoved(after: Int) throws {
        let store = try StoreFixture.create(options)
        try fill(store, 0..<30)
        try store.sync()
        files.fail(.write, on: "/index/run-", after: after, with: ENOSPC)
        var number = 30
        while store.indexTrouble == nil && number < 90 {
            try fill(store, number..<number + 1)
            number += 1
        }
        let place = try #require(store.indexTrouble?.place)
        #expect(files.snapshot[place] == nil)
        #expect(store.indexTrouble?.code == .noSpace)
        try store.close()
        #expect(try checkpointedRuns(store) == runs)
    }
}
