import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Bit rot in segments, and missing segments: found, never served, never taken for a torn tail.
@Suite struct SegmentDamageTests {
    let files = SimulatedFileSystem(seed: 1)
    var options: StoreOptions { StoreFixture.options(files, block: 400, segment: 1 << 20) }
    private let segment = StoreFixture.root + "/responses/000001.jsonl.gz"

    private func closedStore(_ records: Int = 14) throws {
        let store = try StoreFixture.create(options)
        for number in 0..<records { _ = try store.append([StoreFixture.record(number)]) }
        try store.close()
    }

    @Test func everyByteFlipped() throws {
        try closedStore()
        let content = files.snapshot[segment]!
        let blocks = try StoreFixture.rawBlockOffsets(content)
        #expect(blocks.count > 3)
        for position in content.indices {
            var flipped = content
            flipped[position] ^= 1 << UInt8(position % 8)
            let machine = files.fork(seed: 1)
            machine.overwrite(segment, with: flipped)
            try checkReader(machine, flippedAt: position, blocks: blocks, content)
            if position % 7 == 0 { try checkRebuilt(machine, flippedAt: position) }
        }
    }

    /// Through the index: the records of one block are rejected, all others are unchanged.
    private func checkReader(
        _ machine: SimulatedFileSystem, flippedAt position: Int, blocks: [Int], _ content: [UInt8]
    ) throws {
        var options = options
        options.files = machine
        let reader = try StoreReader(StoreFixture.root, options: options)
        var refused: Set<Int> = []
        for number in 0..<14 {
            do {
                let record = try reader.record(RecordKey("item-\(number)"))
                #expect(record?.line == StoreFixture.line(StoreFixture.record(number)), "flip at \(position)")
            } catch {
                #expect(error.code == .damagedData)
                refused.insert(number)
            }
        }
        let entry = try #require(try reader.lookup(RecordKey("item-\(refused.min() ?? 0)")))
        let damaged = blocks.last { $0 <= position }!
        #expect(refused.isEmpty || Int(entry.offset) == damaged, "flip at \(position)")
        var found = 0
        var damage = 0
        let check: (StoredRecord) throws(RetortError) -> Void = { record in
            #expect(StoreFixture.line(StoreFixture.record(Int(record.head.row))) == record.line)
            found += 1
        }
        try reader.forEach(.responses, onDamage: { _ in damage += 1 }, check)
        #expect(damage == (refused.isEmpty ? 0 : 1), "flip at \(position)")
        #expect(found == 14 - refused.count, "flip at \(position)")
    }

    /// Without the index: the block's keys become pending, its bytes are not changed.
    private func checkRebuilt(_ machine: SimulatedFileSystem, flippedAt position: Int) throws {
        for path in machine.snapshot.keys where path.contains("/index/") { machine.overwrite(path, with: nil) }
        let before = machine.snapshot[segment]!
        var options = options
        options.files = machine
        let store = try RecordStore.open(StoreFixture.root, options: options)
        #expect(store.recovery.tornBytes == 0, "flip at \(position)")
        let pending = try (0..<14).filter { try store.lookup(RecordKey("item-\($0)")) == nil }
        #expect(store.recovery.damage.count == (pending.isEmpty ? 0 : 1), "flip at \(position)")
        _ = try store.append(pending.map { StoreFixture.record($0) })
        #expect(store.counters.done == 14)
        try store.close()
        #expect(machine.snapshot[segment]!.starts(with: before), "flip at \(position)")
        #expect(try StoreFixture.lines(.responses, options).count == 14)
    }

    @Test func aSegmentGoneOrShortIsRefusedWhateverTheManifestKnows() throws {
        try StoreFixture.create(options).close()
        var tuned = StoreFixture.options(files, block: 400, segment: 1 << 20, delta: 5)
        tuned.files = files
        let store = try RecordStore.open(StoreFixture.root, options: tuned)
        for number in 0..<30 { _ = try store.append([StoreFixture.record(number)]) }
        // Killed: no manifest lists the segment, but a checkpoint does.
        files.kill()
        let content = files.snapshot[segment]!
        for damaged in [nil, Array(content.prefix(100))] {
            files.overwrite(segment, with: damaged)
            #expect {
                try RecordStore.open(StoreFixture.root, options: tuned)
            } throws: {
                let error = $0 as? RetortError
                return error?.code == .damagedData && error?.place == segment
            }
            let reader = try StoreReader(StoreFixture.root, options: tuned)
            #expect(reader.damage.count == 1)
            #expect(try reader.lookup(RecordKey("item-1")) == nil)
        }
        files.overwrite(segment, with: content)
        let again = try RecordStore.open(StoreFixture.root, options: tuned)
        #expect(again.counters.done == 30)
        try again.close()
    }
}
