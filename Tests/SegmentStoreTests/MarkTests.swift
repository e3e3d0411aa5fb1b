import Basics
import Glibc
import TestSupport
import Testing

@testable import SegmentStore

/// The store's mark: kept over every opening, and never read from a file with a wrong checksum.
@Suite struct MarkTests {
    private let store = SampleStore()
    private var path: String { store.path("MARK") }

    private func open() throws -> RecordStore { try RecordStore.open(store.root, options: store.options) }

    @Test func itIsKept() throws {
        var opened = try store.create()
        #expect(opened.mark == 0)
        #expect(store.files.snapshot[path] == nil)
        for value: Int64 in [7, 8, .max, .min, -1, 12] {
            try opened.setMark(value)
            #expect(opened.mark == value)
            #expect(try StoreReader(store.root, options: store.options).mark() == value)
            // A process killed here leaves it.
            let dead = store.files.fork(seed: 1)
            dead.kill()
            var options = store.options
            options.files = dead
            #expect(try RecordStore.open(store.root, options: options).mark == value)
        }
        try opened.close()
        store.files.cutPower()
        opened = try open()
        #expect(opened.mark == 12)
        try opened.close()
        #expect { try opened.setMark(13) } throws: { ($0 as? RetortError)?.code == .incomplete }
        #expect(try StoreReader(store.root, options: store.options).mark() == 12)
    }

    /// Between two syncs it costs one small write, never over the durable slot or the one before.
    @Test func aValueCostsOneWriteElsewhere() throws {
        let opened = try store.create()
        try opened.setMark(1)
        try opened.sync()
        var synced: Int64 = 1
        for value in 2..<40 {
            let (before, calls) = (store.files.snapshot[path]!, store.files.calls)
            try opened.setMark(Int64(value))
            #expect(store.files.calls == calls + 1)
            let after = store.files.snapshot[path]!
            let changed = (0..<MarkSlot.slots).filter { slot in
                let range = slot * MarkSlot.stride..<(slot + 1) * MarkSlot.stride
                return before[range] != after[range]
            }
            #expect(changed.count == 1)
            let dead = store.files.fork(seed: UInt64(value))
            dead.cutPower()
            let mark = try #require(
                try MarkSlot.read(StoreLayout(root: store.root), storeID: opened.manifest.storeID, files: dead))
            #expect(mark.slot.value >= synced && mark.slot.value <= Int64(value))
            guard value % 5 == 0 else { continue }
            try opened.sync()
            synced = Int64(value)
        }
    }

    @Test func aFlippedBitLeavesTheOneBefore() throws {
        let opened = try store.create()
        for value: Int64 in [100, 200] { try opened.setMark(value) }
        try opened.close()
        let good = store.files.snapshot[path]!
        for bit in 0..<MarkSlot.bytes * 8 {
            store.files.overwrite(path, with: good)
            store.flip(path, at: MarkSlot.stride + bit / 8, bit: 1 << (bit % 8))
            #expect(try StoreReader(store.root, options: store.options).mark() == 100)
        }
    }

    @Test func aFileThatDoesNotHoldIsFoundAndSetAside() throws {
        let opened = try store.create()
        try store.fill(opened, numbers: 0..<20)
        try opened.setMark(100)
        try opened.close()
        let good = store.files.snapshot[path]!
        var foreign = MarkSlot(generation: 9, value: 5).file(storeID: 77)
        let bad: [[UInt8]] = [
            [], [0], [UInt8](repeating: 0, count: MarkSlot.fileBytes), Array(good.dropLast()), good + [0], foreign,
            [UInt8](repeating: 0x41, count: MarkSlot.fileBytes),
        ]
        for content in bad {
            store.files.overwrite(path, with: content)
            #expect { try open() } throws: { error in
                (error as? RetortError)?.code == .damagedData && (error as? RetortError)?.place == path
            }
            // Its records can still be read.
            let reader = try StoreReader(store.root, options: store.options)
            #expect { try reader.mark() } throws: { ($0 as? RetortError)?.code == .damagedData }
            #expect(try reader.record(RecordKey("item-1")) != nil)
            #expect(try store.verify().problemCounts == [.mark: 1])
            #expect(try StoreRepair.run(store.root, options: store.options).quarantined == 1)
            #expect(store.files.snapshot[path] == nil)
            #expect(try store.verify().isClean)
            let again = try open()
            #expect(again.mark == 0 && again.recovery.isClean)
            try again.setMark(3)
            try again.close()
            #expect(try StoreReader(store.root, options: store.options).mark() == 3)
        }
        foreign = MarkSlot(generation: MarkSlot.generationMax, value: 5).file(
            storeID: try open().manifest.storeID)
        store.files.overwrite(path, with: foreign)
        let last = try open()
        #expect(last.mark == 5)
        try last.setMark(6)
        try last.close()
        #expect(try open().mark == 6)
    }

    @Test func aFailedSyncWritesAnotherFile() throws {
        let opened = try store.create()
        try opened.setMark(1)
        try opened.close()
        let again = try open()
        try again.setMark(2)
        store.files.fail(.sync, after: 0, with: EIO)
        try again.sync()
        store.files.clearFaults()
        store.files.cutPower()
        #expect(try StoreReader(store.root, options: store.options).mark() == 2)
    }

    @Test func aMergeSaysWhatItsSourcesHad() throws {
        let opened = try store.create()
        try opened.setMark(40)
        try opened.close()
        let other = try SampleStore(on: store.files, root: "/other").make()
        let report = try StoreMerge.run(
            [store.root, other.root], into: "/merged", options: store.options)
        #expect(report.sources.map(\.mark) == [40, 0])
        #expect(try StoreReader("/merged", options: store.options).mark() == 40)
    }
}
