import Basics
import Gzip
import TestSupport
import Testing

@testable import SegmentStore

@Suite struct StoreRepairTests {
    let store: SampleStore

    init() throws { store = try SampleStore().make() }

    private func repair(_ store: SampleStore) throws -> RepairReport {
        try StoreRepair.run(store.root, options: store.options)
    }

    /// Repairs, and checks the invariants of every repair. Returns the lost lines.
    private func lostLines(_ store: SampleStore, before: [Lane: [String: [UInt8]]]) throws -> Set<String> {
        _ = try repair(store)
        let verified = try store.verify()
        #expect(verified.problems == [])
        let after = try store.lines()
        var lost: Set<String> = []
        for (lane, lines) in before {
            for (id, line) in lines {
                if let found = after[lane]?[id] {
                    // If its newest failure is lost, an older one of the item counts again.
                    #expect(found == line || lane == .failures)
                } else {
                    lost.insert(id)
                }
            }
        }
        // A lost success may bring back the failure that it settled, and nothing else.
        let successes = Set((after[.responses] ?? [:]).keys)
        #expect(successes.isSubset(of: before[.responses]!.keys))
        for path in store.segments { #expect(try inflated(store.files.snapshot[path]!).last == 0x0A, "\(path)") }
        let segments = store.segments.map { store.files.snapshot[$0]! }
        #expect(try repair(store).wasClean)
        #expect(store.segments.map { store.files.snapshot[$0]! } == segments)
        return lost
    }

    /// A whole file, as zcat reads it.
    private func inflated(_ bytes: [UInt8]) throws -> [UInt8] {
        var rest = bytes[...]
        let reader = GzipReader(name: "segment") { buffer throws(RetortError) in
            let count = min(buffer.count, rest.count)
            buffer.copyBytes(from: rest.prefix(count))
            rest = rest.dropFirst(count)
            return count
        }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = try chunk.withUnsafeMutableBytes { buffer throws(RetortError) in try reader.read(into: buffer) }
            if count == 0 { return output }
            output += chunk[..<count]
        }
    }

    private func linesOf(_ block: BlockHeader, _ path: String) throws -> Set<String> {
        let member = Array(store.files.snapshot[path]![block.offset..<block.end])
        let inflated = try member.withUnsafeBytes { bytes in
            try BlockCodec(level: 1).decode(bytes, header: block, place: path)
        }
        return Set(
            inflated.lineRanges.map { range in
                inflated.raw[range].withUnsafeBytes { RecordHead.parse($0) }!.key.description
            })
    }

    @Test func leavesAGoodStoreAlone() throws {
        let before = store.files.snapshot
        #expect(try repair(store).wasClean)
        #expect(
            store.files.snapshot.filter { !$0.key.hasSuffix("LOCK") } == before.filter { !$0.key.hasSuffix("LOCK") })
    }

    /// One flipped bit anywhere in a block is corrected, and nothing is lost.
    @Test func putsRightWhatOneBitHasDone() throws {
        let path = store.segments.first { $0.contains("responses") }!
        for block in store.blocks(path) {
            for offset in [0, 3, 40, 87, BlockHeader.bytes + 1, block.memberBytes - 6] {
                let fresh = try SampleStore().make()
                let lines = try fresh.lines()
                fresh.flip(path, at: block.offset + offset, bit: 0x10)
                let report = try repair(fresh)
                #expect(report.blocksCorrected == 1 && report.quarantined == 1 && report.recordsDropped == 0)
                #expect(report.lossesAccepted == 0)
                #expect(try fresh.verify().isClean)
                #expect(try fresh.lines() == lines)
                #expect(try repair(fresh).wasClean)
                #expect(try RecordStore.manifest(of: fresh.root, files: fresh.files)?.input?.forgotten == .repair)
            }
        }
    }

    /// If the middle of a large block is lost, the records before it are kept, with their numbers.
    @Test func keepsWhatComesBeforeTheDamage() throws {
        var sample = SampleStore(seed: 9)
        sample.options = StoreFixture.options(sample.files, block: 60_000, segment: 1 << 20)
        let writer = try sample.create()
        try writer.beginInput(identity: Hash128(high: 1, low: 4), files: ["input"])
        for number in 0..<600 { _ = try writer.append([StoreFixture.record(number)]) }
        try writer.close()
        let lines = try sample.lines()[.responses]!
        let path = sample.segments[0]
        let block = sample.blocks(path)[0]
        #expect(block.hasChecks)
        var bytes = sample.files.snapshot[path]!
        let middle = block.offset + block.memberBytes / 2
        bytes.replaceSubrange(middle..<middle + 50, with: [UInt8](repeating: 0, count: 50))
        sample.files.overwrite(path, with: bytes)
        let report = try repair(sample)
        #expect(report.recordsProven > block.records / 4)
        #expect(report.recordsProven + report.recordsDropped == block.records)
        #expect(report.blocksCorrected == 0 && report.quarantined == 1 && report.lossesAccepted == 0)
        let kept = try sample.lines()[.responses]!
        #expect(kept.count == 600 - report.recordsDropped)
        for (id, line) in kept { #expect(lines[id] == line) }
        #expect(sample.blocks(path)[0].firstSequence == block.firstSequence)
        #expect(try sample.verify().isClean)
        #expect(try repair(sample).wasClean)
        // The lost items can be sent again.
        let again = try RecordStore.open(sample.root, options: sample.options)
        #expect(try again.append((0..<600).map { StoreFixture.record($0) }).duplicates == kept.count)
        try again.close()
        #expect(try sample.verify().isClean)
    }

    /// Whatever byte of a block is damaged beyond repair, only that block is removed.
    @Test func cutsOutADamagedBlock() throws {
        let path = store.segments.first { $0.contains("responses") }!
        for block in store.blocks(path) {
            for offset in [3, 40, BlockHeader.bytes + 1, block.memberBytes - 6] {
                let fresh = try SampleStore().make()
                let lines = try fresh.lines()
                let bytes = fresh.files.snapshot[path]![block.offset..<block.end]
                fresh.flip(path, at: block.offset + offset, bit: 0x55)
                let lost = try lostLines(fresh, before: lines)
                #expect(try lost == linesOf(block, path))
                let kept = fresh.files.snapshot.filter { $0.key.contains("quarantine/") }
                #expect(kept.count == 1)
                #expect(zip(kept.first!.value, bytes).filter { $0 != $1 }.count == 1)
            }
        }
    }

    @Test func lostItemsArePendingAndCanBeAskedAgain() throws {
        let lines = try store.lines()
        let path = store.segments.first { $0.contains("responses") }!
        store.flip(path, at: BlockHeader.bytes + 1, bit: 0x55)
        let lost = try lostLines(store, before: lines)
        let writer = try RecordStore.open(store.root, options: store.options)
        #expect(writer.inputProgress.identity == Hash128(high: 0, low: 0))
        let numbers = lost.compactMap { Int($0.dropFirst("item-".count)) }.sorted()
        for number in numbers { #expect(try writer.append([StoreFixture.record(number)]).count == 1) }
        try writer.close()
        #expect(try store.verify().isClean)
        #expect(try Set(store.lines()[.responses]!.keys) == Set(lines[.responses]!.keys))
    }

    @Test func goesOnWithoutASegmentThatIsGoneOrCut() throws {
        for path in store.segments {
            for size in [nil, -5, -100, 3] {
                let fresh = try SampleStore().make()
                let lines = try fresh.lines()
                let bytes = fresh.files.snapshot[path]!
                let damaged = size.map { $0 < 0 ? Array(bytes.dropLast(-$0)) : bytes + [1, 2, 3] }
                fresh.files.overwrite(path, with: damaged)
                let lost = try lostLines(fresh, before: lines)
                #expect(lost.isEmpty == (size == 3) || path.contains("failures"), "\(path): \(size ?? 0)")
                try goOn(fresh)
            }
        }
    }

    /// The store accepts and keeps new records.
    private func goOn(_ store: SampleStore) throws {
        let writer = try RecordStore.open(store.root, options: store.options)
        #expect(writer.recovery.isClean)
        for number in 1000..<1040 {
            _ = try writer.append([StoreFixture.record(number, failing: number % 2 == 0 ? 1 : nil)])
        }
        try writer.close()
        let report = try store.verify()
        #expect(report.problems == [])
        let lines = try store.lines()
        for number in 1000..<1040 {
            #expect(lines[number % 2 == 0 ? .failures : .responses]?["item-\(number)"] != nil)
        }
    }

    @Test func ofTwoSuccessesTheFirstStays() throws {
        let lines = try store.lines()
        try Surgeon(store).doubleFirstBlock(of: .responses)
        let report = try repair(store)
        #expect(report.found.problemCounts[.duplicate] == report.recordsDropped)
        #expect(report.recordsDropped > 0)
        #expect(report.quarantined == 1)
        #expect(try lostLines(store, before: lines).isEmpty)
        #expect(report.counters == (try StoreReader(store.root, options: store.options).counters))
    }

    @Test func keepsTheGoodLinesOfABlockWithABadOne() throws {
        let lines = try store.lines()
        let good = StoreFixture.record(500)
        try Surgeon(store).appendBlock(
            of: ["nonsense", String(decoding: StoreFixture.line(good), as: UTF8.self)], to: .responses)
        let report = try repair(store)
        #expect(report.recordsDropped == 1)
        #expect(try store.lines()[.responses]?["item-500"] == StoreFixture.line(good))
        #expect(try lostLines(store, before: store.lines()).isEmpty)
        #expect(try store.lines()[.responses]!.count == lines[.responses]!.count + 1)
    }

    @Test func makesADamagedIndexAnew() throws {
        let lines = try store.lines()
        for path in store.files.snapshot.keys where path.contains("/index/") {
            store.flip(path, at: store.files.snapshot[path]!.count / 2)
        }
        #expect(try lostLines(store, before: lines).isEmpty)
        #expect(!store.files.snapshot.keys.contains { $0.contains("quarantine/") })
    }

    @Test func writesAnEditedManifestAnew() throws {
        let path = store.path("retort.json")
        let text = String(decoding: store.files.snapshot[path]!, as: UTF8.self)
        store.files.overwrite(path, with: Array(text.replacing("\"m\"", with: "\"n\"").utf8))
        #expect(try repair(store).found.problemCounts == [.manifest: 1])
        #expect(try store.verify().isClean)
        #expect(try RecordStore.manifest(of: store.root, files: store.files)?.job == ["model": "n"])
    }

    /// A damaged block whose journal still exists is restored from the journal.
    @Test func takesLostRecordsFromTheJournal() throws {
        var sample = SampleStore(seed: 4)
        sample.options = StoreFixture.options(sample.files, block: 300, segment: 3000, journal: 100_000)
        let writer = try sample.create()
        for number in 0..<15 { _ = try writer.append([StoreFixture.record(number)]) }
        // Durable blocks, and a journal that is too small to be closed.
        try writer.sync()
        for number in 15..<30 { _ = try writer.append([StoreFixture.record(number)]) }
        sample.files.kill()
        let path = sample.segments[0]
        let block = sample.blocks(path)[1]
        let lines = try sample.lines()
        sample.flip(path, at: block.offset + BlockHeader.bytes + 1, bit: 0x55)
        let report = try repair(sample)
        #expect(report.recordsSalvaged == block.records)
        #expect(try sample.lines() == lines)
        #expect(try sample.verify().isClean)
        #expect(try repair(sample).wasClean)
    }

    @Test func refusesAStoreBeingWritten() throws {
        let writer = try RecordStore.open(store.root, options: store.options)
        #expect {
            try repair(store)
        } throws: { ($0 as? RetortError)?.code == .busy }
        try writer.close()
    }

    /// A damaged store for the crash campaign: a block, a second success and a lost tail at once.
    private func damaged(seed: UInt64) throws -> SampleStore {
        var store = SampleStore(seed: seed)
        store.records = 40
        try store.make()
        try Surgeon(store).doubleFirstBlock(of: .responses)
        store.flip(store.path("responses/000002.jsonl.gz"), at: BlockHeader.bytes + 1, bit: 0x55)
        let failures = store.path("failures/000001.jsonl.gz")
        store.files.overwrite(failures, with: Array(store.files.snapshot[failures]!.dropLast(3)))
        return store
    }

    @Test func survivesADeathAtEveryCall() throws {
        let rehearsal = try damaged(seed: 1)
        let start = rehearsal.files.calls
        _ = try repair(rehearsal)
        let expected = try rehearsal.lines()
        let calls = rehearsal.files.calls - start
        #expect(try rehearsal.verify().isClean)
        for call in 1...calls {
            let power = call % 2 == 0
            let store = try damaged(seed: UInt64(call))
            store.files.die(duringCall: store.files.calls + call)
            _ = try? repair(store)
            power ? store.files.cutPower() : store.files.kill()
            let place: Comment = "call \(call) of \(calls), \(power ? "power cut" : "kill")"
            do {
                _ = try repair(store)
                #expect(try store.verify().problems == [], place)
                let lines = try store.lines()
                // After a power cut a journal may reappear, and with it a record from a damaged block.
                for (id, line) in expected[.responses]! { #expect(lines[.responses]![id] == line, place) }
                if !power { #expect(lines == expected, place) }
                #expect(try repair(store).wasClean, place)
            } catch {
                Issue.record("\(error): \(place)")
            }
        }
    }
}
