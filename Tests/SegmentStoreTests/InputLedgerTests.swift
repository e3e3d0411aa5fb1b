import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Which rows of which input have outcomes: never one too many.
@Suite struct InputLedgerTests {
    let files = SimulatedFileSystem(seed: 1)
    var options: StoreOptions { StoreFixture.options(files, block: 300) }
    private let first = Hash128(high: 1, low: 2)
    private let second = Hash128(high: 3, low: 4)

    private func open(_ identity: Hash128) throws -> RecordStore {
        let store = try RecordStore.open(StoreFixture.root, options: options)
        try store.beginInput(identity: identity, files: ["input"])
        return store
    }

    private func rows(_ store: RecordStore) -> [Int] {
        let ledger = store.inputProgress.ledger
        return (0..<100).filter { ledger.contains(UInt64($0)) }
    }

    @Test func rowsOfAnotherInputAreNotTakenForThisOnes() throws {
        var store = try StoreFixture.create(options)
        try store.beginInput(identity: first, files: ["input"])
        _ = try store.append((0..<5).map { StoreFixture.record($0) })
        try store.close()
        #expect(try RecordStore.open(StoreFixture.root, options: options).inputProgress.ledger.low == 5)

        store = try open(second)
        #expect(rows(store).isEmpty)
        for number in 50..<60 { _ = try store.append([StoreFixture.record(number)]) }
        files.kill()
        // The checkpoint belongs to the first input, the manifest names the second.
        store = try open(second)
        #expect(rows(store) == Array(50..<60))
        files.kill()

        store = try open(first)
        #expect(!rows(store).contains { $0 >= 5 })
        files.kill()
        store = try open(first)
        #expect(!rows(store).contains { $0 >= 5 })
        for number in 20..<30 { _ = try store.append([StoreFixture.record(number)]) }
        files.kill()
        for path in files.snapshot.keys where path.contains("/index/") { files.overwrite(path, with: nil) }
        store = try open(first)
        #expect(rows(store) == Array(20..<30))
        try store.close()
    }

    @Test func linesThatAreInTheJournalOnlyAreInNoCheckpoint() throws {
        let store = try StoreFixture.create(options)
        try store.close()
        let manifest = try StoreManifest.load(StoreLayout(root: StoreFixture.root), files: files)
        var index = StoreIndex(StoreContext(root: StoreFixture.root, manifest: manifest, options: options))
        let record = StoreFixture.record(0)
        let hint = RecordHint(record, hash: record.key.hash)
        index.note(hint, in: .responses, prior: 0, tallies: record.tallies)
        #expect(index.live.done == 1)
        #expect(index.checkpoint().counters == StoreCounters())
        #expect(!index.checkpoint().input.ledger.contains(0))
        let group = HintGroup(
            lane: .responses, segment: 1, offset: 0, memberBytes: 100, firstSequence: 0, payloadChecksum: 0,
            tallies: record.tallies, hints: [hint])
        index.place(group, priors: [0], hintBytes: 0)
        #expect(index.checkpoint().counters == index.live)
        #expect(index.checkpoint().input.ledger.contains(0))
        #expect(index.checkpoint().coverage[.responses]?.nextSequence == 1)
    }

    /// A failure leaves the runs only when its success is in a segment: a power cut can still remove the journal.
    @Test func aSuccessInTheJournalSettlesNothingInAMerge() throws {
        var options = StoreFixture.options(files, block: 1 << 20)
        options.tuning.runRatio = 3
        var store = try StoreFixture.create(options)
        for session in 0..<2 {
            _ = try store.append([StoreFixture.record(session, failing: 1)])
            try store.close()
            store = try RecordStore.open(StoreFixture.root, options: options)
        }
        _ = try store.append([StoreFixture.record(5, failing: 1)])
        // A second failure of the key moves the first into its segment.
        _ = try store.append([StoreFixture.record(5, failing: 2), StoreFixture.record(0)])
        files.kill()
        let image = try StoreImage.load(StoreFixture.root, options: options, mends: false)
        _ = try image.noteJournals()
        var flusher = IndexFlusher(context: image.context, index: image.index)
        try flusher.flush()
        let index = image.index.withLock { $0 }
        #expect(index.failures.runs.count == 1)
        let hash = RecordKey("item-0").hash
        #expect(try index.responses.lookup(hash)?.isPending == true)
        #expect(try index.failures.lookupPlaced(hash)?.isPending == false)
        #expect(try index.lookup(hash)?.status == 0)
        // The newest failure hides the one in the run and does not replace it.
        let again = RecordKey("item-5").hash
        #expect(try index.failures.lookup(again)?.isPending == true)
        #expect(try index.failures.lookupPlaced(again)?.status == 2)
    }

    @Test func aRowFarAwayOrASampleTooManyIsNotRemembered() throws {
        let store = try StoreFixture.create(options)
        try store.beginInput(identity: first, files: [])
        var far = StoreFixture.record(1)
        far.row = .max
        var sample = StoreFixture.record(2)
        sample.key.sample = 7
        _ = try store.append([StoreFixture.record(0), far, sample])
        try store.close()
        let again = try RecordStore.open(StoreFixture.root, options: options)
        #expect(again.inputProgress.ledger.low == 1)
        #expect(rows(again) == [0])
        #expect(try again.lookup(far.key)?.recordStatus == .ok)
        #expect(try again.lookup(sample.key)?.recordStatus == .ok)
        var ledger = RowLedger()
        ledger.insert(StoreLimits.ledgerReachMax)
        #expect(!ledger.contains(StoreLimits.ledgerReachMax))
        ledger.insert(StoreLimits.ledgerReachMax - 1)
        #expect(ledger.contains(StoreLimits.ledgerReachMax - 1))
        try again.close()
    }

    @Test func oneBatchMayHoldAFailureAndItsSuccess() throws {
        let store = try StoreFixture.create(options)
        let result = try store.append([
            StoreFixture.record(1, failing: 0), StoreFixture.record(2), StoreFixture.record(1, failing: 1),
            StoreFixture.record(1), StoreFixture.record(1), StoreFixture.record(2, failing: 0),
        ])
        #expect(result.count == 4)
        #expect(result.duplicates == 2)
        #expect(store.counters.done == 2)
        #expect(store.counters.failed == 0)
        try store.close()
        #expect(try StoreFixture.lines(.responses, options).count == 2)
        #expect(try StoreFixture.lines(.failures, options).isEmpty)
    }
}
