import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// The moment between the end of one segment and the first block of the next.
@Suite struct RotationTests {
    let files = SimulatedFileSystem(seed: 1)
    var options: StoreOptions { StoreFixture.options(files, block: 1 << 20, segment: 200, journal: 1 << 20) }
    private let second = StoreFixture.root + "/responses/000002.jsonl.gz"

    /// A store whose first segment is sealed and whose second one has no block, because of a power cut.
    private func makeSealedStore() throws {
        var store = try StoreFixture.create(options)
        for number in 0..<10 { _ = try store.append([StoreFixture.record(number)]) }
        try store.close()
        store = try RecordStore.open(StoreFixture.root, options: options)
        _ = try store.append([StoreFixture.record(10)])
        try store.close()
        let segment = try #require(store.manifest.segments(.responses).first)
        #expect(segment.sealed && files.snapshot[second] != nil)
        var manifest = try StoreManifest.load(StoreLayout(root: StoreFixture.root), files: files)
        manifest.segments["responses"] = [segment]
        try manifest.save(StoreLayout(root: StoreFixture.root), files: files)
        for path in files.snapshot.keys where path.contains("/index/") || path == second {
            files.overwrite(path, with: nil)
        }
    }

    /// Opened and abandoned before the next segment has a block, with a checkpoint in that state: the sealed segment is
    /// not continued.
    @Test(arguments: [true, false])
    func aSegmentWithoutABlockIsNotTheFirst(closes: Bool) throws {
        try makeSealedStore()
        let first = files.snapshot[StoreFixture.root + "/responses/000001.jsonl.gz"]
        for _ in 0..<2 {
            let store = try RecordStore.open(StoreFixture.root, options: options)
            #expect(store.counters.done == 10)
            if closes { try store.close() } else { try store.sync() }
            files.kill()
        }
        let store = try RecordStore.open(StoreFixture.root, options: options)
        _ = try store.append([StoreFixture.record(11)])
        try store.close()
        #expect(files.snapshot[StoreFixture.root + "/responses/000001.jsonl.gz"] == first)
        #expect(files.snapshot[second] != nil)
        #expect(try StoreFixture.lines(.responses, options).count == 11)
        #expect(try StoreVerification.run(StoreFixture.root, options: options, deep: true).isClean)
    }
}
