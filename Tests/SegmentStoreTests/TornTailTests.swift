import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// What a crash can leave at the end of a segment or a journal: truncated, zero-filled, or followed by stale bytes.
@Suite struct TornTailTests {
    let files = SimulatedFileSystem(seed: 1)
    var options: StoreOptions { StoreFixture.options(files, block: 300, segment: 1 << 20) }
    private let segment = StoreFixture.root + "/responses/000001.jsonl.gz"

    /// A killed store with blocks after those in the manifest; the offsets of its blocks.
    private func killedStore() throws -> (content: [UInt8], offsets: [Int]) {
        try StoreFixture.create(options).close()
        let store = try RecordStore.open(StoreFixture.root, options: options)
        for number in 0..<12 { _ = try store.append([StoreFixture.record(number)]) }
        try store.sync()
        let content = files.snapshot[segment]!
        files.kill()
        for path in files.snapshot.keys where path.contains("journal") { files.overwrite(path, with: nil) }
        return (content, try StoreFixture.rawBlockOffsets(content) + [content.count])
    }

    /// The number of records that a store recovers from `content`; every one of them is readable.
    private func recovered(_ content: [UInt8]) throws -> Int {
        let machine = files.fork(seed: 1)
        machine.overwrite(segment, with: content)
        var options = options
        options.files = machine
        let store = try RecordStore.open(StoreFixture.root, options: options)
        #expect(store.recovery.damage.isEmpty)
        let count = Int(store.counters.done)
        // New records can be appended; they follow the last good byte.
        _ = try store.append([StoreFixture.record(500)])
        try store.close()
        let lines = try StoreFixture.lines(.responses, options)
        #expect(lines.count == count + 1)
        #expect(try StoreFixture.rawLines(options).count == count + 1)
        return count
    }

    @Test func theLastTwoBlocksCutAtEveryByte() throws {
        let (content, offsets) = try killedStore()
        #expect(offsets.count > 4)
        let counts = try offsets.map { try recovered(Array(content[..<$0])) }
        #expect(counts.first == 0 && counts.last! > 8)
        for cut in offsets[offsets.count - 3]..<content.count {
            let whole = offsets.lastIndex { $0 <= cut }!
            #expect(try recovered(Array(content[..<cut])) == counts[whole], "cut at \(cut)")
        }
    }

    @Test func zerosBehindTheEnd() throws {
        let (content, _) = try killedStore()
        let whole = try recovered(content)
        for zeros in [1, 7, 87, 88, 511, 512, 4096, 70_000] {
            #expect(try recovered(content + [UInt8](repeating: 0, count: zeros)) == whole)
        }
    }

    @Test func sectorsOfZerosInWhatWasNotDurable() throws {
        let (content, offsets) = try killedStore()
        let counts = try offsets.map { try recovered(Array(content[..<$0])) }
        for sector in 0...(content.count / SimulatedFileSystem.sectorBytes) {
            let start = sector * SimulatedFileSystem.sectorBytes
            let end = min(start + SimulatedFileSystem.sectorBytes, content.count)
            guard start < end else { continue }
            var zeroed = content
            zeroed.replaceSubrange(start..<end, with: [UInt8](repeating: 0, count: end - start))
            // Nothing shows that these bytes were durable: everything from the first bad block is the torn tail.
            let whole = offsets.lastIndex { $0 <= start }!
            #expect(try recovered(zeroed) == counts[whole], "sector \(sector)")
        }
    }

    @Test func bytesOfAnotherPlaceOrStoreAreNotTaken() throws {
        let (content, offsets) = try killedStore()
        let whole = try recovered(content)
        // A copy of the first block after the last one: it was written for another offset.
        let first = content[..<offsets[1]]
        #expect(try recovered(content + first) == whole)
        // A block of another store for exactly this offset.
        let header = content.withUnsafeBytes { BlockHeader.decode($0) }!
        var foreign = header
        foreign.storeID ^= 1
        foreign.offset = content.count
        #expect(try recovered(content + foreign.encoded() + first.dropFirst(BlockHeader.bytes)) == whole)
        foreign.storeID = header.storeID
        foreign.segment += 1
        #expect(try recovered(content + foreign.encoded() + first.dropFirst(BlockHeader.bytes)) == whole)
        foreign.segment = header.segment
        foreign.lane = .failures
        #expect(try recovered(content + foreign.encoded() + first.dropFirst(BlockHeader.bytes)) == whole)
    }

    @Test func anEmptySegmentIsRemoved() throws {
        _ = try killedStore()
        #expect(try recovered([]) == 0)
        let machine = files.fork(seed: 1)
        machine.overwrite(segment, with: [])
        var options = options
        options.files = machine
        try RecordStore.open(StoreFixture.root, options: options).close()
        #expect(machine.snapshot[segment] == nil)
    }
}

@Suite struct JournalTests {
    let files = SimulatedFileSystem(seed: 1)
    var options: StoreOptions { StoreFixture.options(files, block: 1 << 20, journal: 1 << 20) }
    private let journal = StoreFixture.root + "/responses/journal-0000000000000000.jsonl"

    private func killedStore() throws -> [UInt8] {
        let store = try StoreFixture.create(options)
        for number in 0..<6 { _ = try store.append([StoreFixture.record(number)]) }
        files.kill()
        return files.snapshot[journal]!
    }

    private func recovered(_ content: [UInt8], at path: String? = nil) throws -> Set<String> {
        let machine = files.fork(seed: 1)
        machine.overwrite(journal, with: nil)
        machine.overwrite(path ?? journal, with: content)
        var options = options
        options.files = machine
        try RecordStore.open(StoreFixture.root, options: options).close()
        // Later records have numbers of their own.
        let store = try RecordStore.open(StoreFixture.root, options: options)
        _ = try store.append([StoreFixture.record(500)])
        machine.kill()
        try RecordStore.open(StoreFixture.root, options: options).close()
        var keys = Set(try StoreFixture.lines(.responses, options).keys)
        #expect(keys.remove("item-500") != nil)
        return keys
    }

    private let all = Set((0..<6).map { "item-\($0)" })

    @Test func cutAtEveryByte() throws {
        let content = try killedStore()
        let ends = content.lineRanges.map { $0.upperBound + 1 }
        for cut in 0...content.count {
            let whole = ends.prefix { $0 <= cut }.count
            #expect(try recovered(Array(content[..<cut])) == Set((0..<whole).map { "item-\($0)" }), "cut at \(cut)")
        }
    }

    @Test func aFlippedBitCostsAtMostTheLinesItTouches() throws {
        let content = try killedStore()
        for position in content.indices {
            for bit in content[position] == 0x0A ? Array(0..<8) : [position % 8] {
                var flipped = content
                flipped[position] ^= 1 << bit
                let found = try recovered(flipped)
                #expect(found.isSubset(of: all))
                // A lost line feed costs the two lines that it separated.
                #expect(found.count >= (content[position] == 0x0A ? 4 : 5), "bit \(bit) of byte \(position)")
            }
        }
    }

    /// With failures, which a full disk accepts completely or not at all; answers may be accepted in part.
    @Test func nothingOfABatchThatFailedIsFoundLater() throws {
        let store = try StoreFixture.create(options)
        _ = try store.append([StoreFixture.record(0), StoreFixture.record(1, failing: 0)])
        let batch = (10..<14).map { StoreFixture.record($0, failing: 0) }
        for room in stride(from: 40, to: 560, by: 30) {
            files.overwrite(StoreLayout(root: StoreFixture.root).reserve, with: nil)
            files.limitSpace(toFurther: room)
            #expect { try store.append(batch) } throws: { ($0 as? RetortError)?.code == .noSpace }
            let dead = files.fork(seed: 1)
            dead.kill()
            var options = options
            options.files = dead
            let found = try RecordStore.open(StoreFixture.root, options: options).counters
            #expect(found.done == 1 && found.failed == 1, "\(room) bytes")
        }
        files.clearFaults()
        // A shorter line is written where the failed ones began.
        _ = try store.append([StoreFixture.record(18, failing: 0)])
        files.kill()
        let again = try RecordStore.open(StoreFixture.root, options: options)
        #expect(again.counters.done == 1 && again.counters.failed == 2)
        #expect(again.recovery.badJournalLines == 0)
        try again.close()
    }

    @Test func linesOfAnotherNumberOrStoreAreNotTaken() throws {
        let content = try killedStore()
        let elsewhere = StoreFixture.root + "/responses/journal-0000000000000100.jsonl"
        #expect(try recovered(content, at: elsewhere).isEmpty)
        let line = Array(content[content.lineRanges[0]])
        let text = line.withUnsafeBytes { buffer -> [UInt8]? in
            JournalLine.decode(buffer, storeID: 1, sequence: 0)
        }
        #expect(text == nil)
        let storeID = try #require(try RecordStore.manifest(of: StoreFixture.root, files: files)).storeID
        for sequence in [UInt64(1), 2, 77, .max] {
            #expect(line.withUnsafeBytes { JournalLine.decode($0, storeID: storeID, sequence: sequence) } == nil)
        }
        #expect(line.withUnsafeBytes { JournalLine.decode($0, storeID: storeID, sequence: 0) } != nil)
    }

    @Test func theSameLinesInTwoFilesCountOnce() throws {
        let content = try killedStore()
        let copy = StoreFixture.root + "/responses/journal-0000000000000000-1.jsonl"
        files.overwrite(copy, with: content)
        // The first file has a bad line that is intact in the second.
        var flipped = content
        flipped[20] ^= 1
        #expect(try recovered(flipped) == all)
    }

    /// A power cut may lose the beginning of a journal and keep its end: zeros followed by whole lines.
    @Test func linesBehindAStretchThatWasNeverWritten() throws {
        let machine = SimulatedFileSystem(seed: 1)
        let wide = StoreFixture.options(machine, block: 1 << 20, journal: 1 << 20)
        let store = try StoreFixture.create(wide)
        for number in 0..<40 { _ = try store.append([StoreFixture.record(number)]) }
        try store.sync()
        let path = try #require(machine.snapshot.keys.first { $0.contains("journal") })
        machine.kill()
        let lines = machine.snapshot[path]!.split(separator: 0x0A).map { Array($0) + [0x0A] }
        for lost in [0..<30, 0..<38, 5..<30, 20..<39] {
            let content = lines.enumerated().flatMap { number, line in
                lost.contains(number) ? [UInt8](repeating: 0, count: line.count) : line
            }
            let dead = machine.fork(seed: 1)
            dead.overwrite(path, with: content)
            var options = wide
            options.files = dead
            let opened = try RecordStore.open(StoreFixture.root, options: options)
            #expect(opened.recovery.damage.isEmpty)
            // The line after the zeros is lost with them.
            #expect(opened.counters.done == UInt64(40 - lost.count - 1), "\(lost)")
        }
    }
}
