import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Damage in segments that the index covers is found, although opening a store does not read them.
@Suite struct SpotCheckTests {
    private let store: SampleStore

    init() throws { store = try SampleStore().make() }

    private func known() throws -> [Damage] {
        try StoreReader(store.root, options: store.options).knownDamage()
    }

    @Test func aGoodStoreHasNone() throws {
        #expect(try known() == [])
        let killed = store.fork()
        let writer = try RecordStore.open(killed.root, options: killed.options)
        for number in 200..<230 { _ = try writer.append([StoreFixture.record(number)]) }
        killed.files.kill()
        #expect(try StoreReader(killed.root, options: killed.options).knownDamage() == [])
    }

    /// A flipped bit anywhere in a block: this block is found and no other.
    @Test func findsEveryKindOfRot() throws {
        let before = store.files.snapshot
        for path in store.segments {
            for block in store.blocks(path) {
                for offset in [block.offset + 2, block.offset + 90, block.end - 1] {
                    store.flip(path, at: offset)
                    let found = try known()
                    #expect(found.count == 1, "\(path) at \(offset)")
                    #expect(found.first?.range == block.offset..<block.end, "\(path) at \(offset)")
                    #expect(path.hasSuffix("\(found.first?.segment ?? 0).jsonl.gz"))
                    store.flip(path, at: offset)
                }
            }
        }
        #expect(store.files.snapshot == before)
    }

    @Test func aRunKnowsItWhenItEnds() throws {
        let path = store.segments.first { $0.contains("responses") }!
        store.flip(path, at: BlockHeader.bytes + 1)
        let writer = try RecordStore.open(store.root, options: store.options)
        #expect(writer.recovery.damage == [])
        _ = try writer.append([StoreFixture.record(500)])
        #expect(writer.knownDamage().map(\.reason) == ["the block's checksum does not hold"])
        try writer.close()
        #expect(writer.knownDamage().count == 1)
        // Damage reported when the store is opened is not reported again.
        try StoreReindex.drop(StoreLayout(root: store.root), store.files, hints: true)
        let again = try RecordStore.open(store.root, options: store.options)
        #expect(again.recovery.damage.count == 1)
        #expect(again.knownDamage() == again.recovery.damage)
        try again.close()
        // A repair removes it.
        _ = try StoreRepair.run(store.root, options: store.options)
        #expect(try known() == [])
    }

    @Test func aLostSegmentIsToldOnce() throws {
        let path = store.segments.first { $0.contains("responses") }!
        store.files.overwrite(path, with: nil)
        #expect(try known().map(\.reason) == ["the segment is gone"])
    }

    /// The check ends after a bounded number of bytes, however large the store is.
    @Test func looksAtNoMoreThanItsShare() throws {
        let manifest = try StoreManifest.load(StoreLayout(root: store.root), files: store.files)
        let context = StoreContext(root: store.root, manifest: manifest, options: store.options)
        let last = store.segments.last { $0.contains("responses") }!
        store.flip(last, at: BlockHeader.bytes + 1)
        #expect(SpotCheck.damage(context, manifest, known: [], bytesMax: 1).isEmpty)
        #expect(SpotCheck.damage(context, manifest, known: []).count == 1)
    }
}
