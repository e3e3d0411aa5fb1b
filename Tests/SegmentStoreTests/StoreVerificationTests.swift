import Basics
import TestSupport
import Testing

@testable import SegmentStore

@Suite struct StoreVerificationTests {
    let store: SampleStore

    init() throws { store = try SampleStore().make() }

    @Test func findsNothingWrongWithAGoodStore() throws {
        for deep in [false, true] {
            let before = store.files.snapshot
            let report = try store.verify(deep: deep)
            #expect(report.problems == [])
            #expect(report.isClean)
            #expect(report.inputs == 95)
            #expect(report.pending == 5)
            #expect(report.done + report.failed == 90)
            #expect(report.equation == "95 inputs = \(report.done) done + \(report.failed) failed + 5 pending")
            #expect(report.segments == store.segments.count)
            #expect(report.unfinishedBytes == 0)
            #expect(store.files.snapshot == before)
        }
        #expect(store.segments.count > 4)
        #expect(store.files.snapshot.keys.filter { $0.hasSuffix(".idx") }.count > 1)
    }

    @Test func tellsHowFarItIs() throws {
        var steps: [StoreProgress] = []
        let report = try StoreVerification.run(store.root, options: store.options, deep: true) { steps.append($0) }
        #expect(steps.count == report.blocks)
        #expect(steps.last?.bytes == report.bytes)
        #expect(steps.last?.totalBytes == report.bytes)
    }

    @Test func findsADamagedBlockAndCountsItsKeys() throws {
        let path = store.segments.last { $0.contains("responses") }!
        let block = store.blocks(path)[0]
        store.flip(path, at: BlockHeader.bytes + 3)
        for deep in [false, true] {
            let report = try store.verify(deep: deep)
            let problem = try #require(report.problems.first)
            #expect(report.problemCounts == [.block: 1])
            #expect(problem.lane == .responses)
            #expect(problem.range == block.offset..<block.end)
            #expect(problem.keys == block.records)
            #expect(problem.remedy.contains("repair"))
        }
    }

    @Test func countsTheKeysOfABlockThatLostItsHeader() throws {
        let path = store.segments.first { $0.contains("responses") }!
        let block = store.blocks(path)[0]
        store.flip(path, at: 30)
        let report = try store.verify()
        #expect(report.problems.map(\.kind) == [.block])
        #expect(report.problems[0].keys == block.records)
    }

    @Test func checksTheGzipTrailer() throws {
        let path = store.segments[0]
        store.flip(path, at: store.blocks(path)[0].payloadEnd)
        #expect(try store.verify(deep: false).problemCounts == [.block: 1])
    }

    @Test func findsMissingShortAndLongSegments() throws {
        let path = store.segments[0]
        let bytes = store.files.snapshot[path]!
        for damaged in [nil, Array(bytes.dropLast(3)), bytes + [0]] {
            store.files.overwrite(path, with: damaged)
            #expect(try store.verify(deep: false).problemCounts[.segment] == 1)
        }
    }

    @Test func findsADamagedIndex() throws {
        for path in store.files.snapshot.keys where path.hasPrefix(store.path("index/")) {
            let bytes = store.files.snapshot[path]!
            store.flip(path, at: bytes.count / 2)
            let report = try store.verify()
            #expect(report.problemCounts.keys.allSatisfy { $0 == .index || $0 == .hints }, "\(path)")
            #expect(!report.isClean, "\(path)")
            #expect(report.done + report.failed == 90)
            store.files.overwrite(path, with: bytes)
        }
        #expect(!store.files.snapshot.keys.contains { $0.contains("tmp-verify") })
    }

    @Test func doesWithoutAnIndex() throws {
        for path in store.files.snapshot.keys where path.contains("/index/") { store.files.overwrite(path, with: nil) }
        let report = try store.verify()
        #expect(report.isClean)
        #expect(report.done + report.failed == 90)
        #expect(!store.files.snapshot.keys.contains { $0.contains("tmp-verify") || $0.contains("/index/") })
    }

    @Test func findsCountersThatAreNotWhatTheRecordsSay() throws {
        let path = store.path("index/checkpoint")
        var checkpoint = try #require(Checkpoint.decode(store.files.snapshot[path]!, storeID: storeID()))
        let good = checkpoint
        checkpoint.counters.done += 1
        store.files.overwrite(path, with: checkpoint.encoded())
        // It is inconsistent even with the runs.
        #expect(try store.verify().problemCounts == [.index: 1])
        checkpoint = good
        let failing = try #require(good.counters.failedByClass.firstIndex { $0 > 0 })
        checkpoint.counters.failed -= 1
        checkpoint.counters.failedByClass[failing] -= 1
        store.files.overwrite(path, with: checkpoint.encoded())
        #expect(try store.verify().problemCounts == [.counters: 1])
        checkpoint = good
        checkpoint.counters[.responses][0] += 1
        store.files.overwrite(path, with: checkpoint.encoded())
        #expect(try store.verify().problemCounts == [.counters: 1])
        checkpoint = good
        for row in 90..<94 as Range<UInt64> { checkpoint.input.ledger.insert(row) }
        store.files.overwrite(path, with: checkpoint.encoded())
        let report = try store.verify()
        #expect(report.problemCounts == [.ledger: 1])
        #expect(report.problems[0].keys == 4)
    }

    @Test func findsEntriesWithoutRecordsAndRecordsWithoutEntries() throws {
        let path = store.path("index/checkpoint")
        var checkpoint = try #require(Checkpoint.decode(store.files.snapshot[path]!, storeID: storeID()))
        // Another run in the index: with an additional entry, and one that hides a good one.
        let options = store.options
        let manifest = try #require(try RecordStore.manifest(of: store.root, files: store.files))
        let context = StoreContext(root: store.root, manifest: manifest, options: options)
        let stray = RecordHint(StoreFixture.record(7777), hash: RecordKey("nobody").hash)
        let hidden = RecordHint(StoreFixture.record(1), hash: RecordKey("item-1").hash)
        var writer = try RunWriter(
            lane: .responses, level: 0, number: checkpoint.nextRunNumber, storeID: context.storeID, keys: 2,
            layout: context.layout, files: context.files)
        for hint in [stray, hidden].sorted(by: { $0.hash < $1.hash }) {
            try writer.append(hint.entry(segment: 1, offset: 4_000_000, record: 0))
        }
        try writer.finish()
        checkpoint.runs[.responses]!.insert(checkpoint.nextRunNumber, at: 0)
        checkpoint.nextRunNumber += 1
        checkpoint.counters.done += 2
        store.files.overwrite(path, with: checkpoint.encoded())
        let report = try store.verify()
        #expect(report.problemCounts[.duplicate] == 1)
        #expect(report.problemCounts[.entry] == 1)
        #expect(report.problems.contains { $0.kind == .entry && $0.keys == 2 })
    }

    @Test func findsASecondSuccess() throws {
        try Surgeon(store).doubleFirstBlock(of: .responses)
        for path in store.files.snapshot.keys where path.contains("/index/") { store.files.overwrite(path, with: nil) }
        let report = try store.verify()
        #expect(report.problemCounts.keys.sorted { $0.rawValue < $1.rawValue }.contains(.duplicate))
        #expect(report.problems.contains { $0.message.contains("earlier success") })
    }

    @Test func findsLinesThatAreNotRecords() throws {
        for (line, words) in [
            (#"{"id":"x","sample":0}"#, "does not begin as a record"), ("nonsense", "not JSON"),
            ("[1]", "not a JSON object"),
            (
                String(decoding: StoreFixture.line(StoreFixture.record(1, failing: 1)), as: UTF8.self),
                "a record of the failures"
            ),
        ] {
            let store = try SampleStore().make()
            try Surgeon(store).appendBlock(of: [line], to: .responses)
            let report = try store.verify()
            #expect(report.problems.contains { $0.kind == .line && $0.message.contains(words) }, "\(words)")
        }
    }

    @Test func isAtEaseWithALivingWriter() throws {
        let sample = SampleStore(seed: 9)
        let living = try sample.create()
        for number in 0..<60 {
            try sample.fill(living, numbers: number..<number + 1)
            let report = try sample.verify()
            #expect(report.problems == [])
            #expect(report.writer == "the test")
            #expect(report.counters == living.counters)
        }
        try living.close()
    }

    @Test func findsADamagedJournalLine() throws {
        let sample = SampleStore(seed: 9)
        let living = try sample.create()
        try sample.fill(living, numbers: 0..<2)
        sample.files.kill()
        let journal = sample.files.snapshot.keys.first { $0.contains("journal") }!
        #expect(try sample.verify().isClean)
        sample.flip(journal, at: 20)
        #expect(try sample.verify().problemCounts == [.journal: 1])
        sample.flip(journal, at: 20)
        // The last line may be the torn end of a write: reported, but not as a problem.
        sample.flip(journal, at: sample.files.snapshot[journal]!.count - 10)
        let report = try sample.verify()
        #expect(report.isClean)
        #expect(report.unfinishedJournalLines == 1)
    }

    /// The state after a kill is not damage. A power cut may leave holes in what was not synced: journals and hint
    /// logs.
    @Test func takesNoCrashForDamage() throws {
        let rehearsal = try SampleStore(seed: 11).make()
        for call in stride(from: 1, through: rehearsal.files.calls, by: 9) {
            for power in [false, true] {
                let sample = SampleStore(seed: 11)
                sample.files.die(duringCall: call)
                _ = try? sample.make()
                power ? sample.files.cutPower() : sample.files.kill()
                guard try RecordStore.manifest(of: sample.root, files: sample.files) != nil else { continue }
                let problems = try sample.verify().problems
                    .filter { !power || $0.kind != .hints && $0.kind != .journal }
                #expect(problems == [], "seed 11, call \(call), \(power ? "power cut" : "kill")")
            }
        }
    }

    @Test func saysOfEveryDamagedByteOfAJournal() throws {
        let sample = SampleStore(seed: 9)
        let living = try sample.create()
        try sample.fill(living, numbers: 0..<3)
        sample.files.kill()
        let journal = sample.files.snapshot.keys.first { $0.contains("responses/journal") }!
        for offset in sample.files.snapshot[journal]!.indices {
            sample.flip(journal, at: offset)
            let report = try sample.verify()
            #expect(!report.isClean || report.unfinishedJournalLines > 0, "byte \(offset)")
            sample.flip(journal, at: offset)
        }
    }

    @Test func noticesAnEditedManifest() throws {
        let text = String(decoding: store.files.snapshot[store.path("retort.json")]!, as: UTF8.self)
        store.files.overwrite(store.path("retort.json"), with: Array(text.replacing("\"m\"", with: "\"n\"").utf8))
        #expect(try store.verify().problemCounts == [.manifest: 1])
        store.files.overwrite(store.path("retort.json"), with: Array("{".utf8))
        #expect(try store.verify().problemCounts == [.manifest: 1])
    }

    /// A flipped bit anywhere is reported, except in the lock's text, which only people read.
    @Test func reportsAFlippedBitAnywhere() throws {
        var random = SeededGenerator(seed: 77)
        for (path, bytes) in store.files.snapshot.sorted(by: { $0.key < $1.key }) where !path.hasSuffix("LOCK") {
            for _ in 0..<25 {
                let offset = Int.random(in: 0..<bytes.count, using: &random)
                let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
                store.flip(path, at: offset, bit: bit)
                let report = try store.verify()
                #expect(!report.isClean, "seed 77: \(path) byte \(offset), bit \(bit)")
                store.flip(path, at: offset, bit: bit)
            }
        }
        #expect(try store.verify().isClean)
    }

    private func storeID() throws -> UInt64 {
        try #require(try RecordStore.manifest(of: store.root, files: store.files)).storeID
    }
}

@Suite struct VerificationEquationTests {
    private func report(inputs: UInt64?, done: UInt64, failed: UInt64) -> VerificationReport {
        var report = VerificationReport(root: "/s", isDeep: false)
        report.inputs = inputs
        report.counters.done = done
        report.counters.failed = failed
        return report
    }

    @Test func neverSaysWhatIsNotSo() {
        #expect(report(inputs: 50, done: 45, failed: 2).equation == "50 inputs = 45 done + 2 failed + 3 pending")
        #expect(report(inputs: nil, done: 4, failed: 1).equation == "inputs not yet counted: 4 done + 1 failed")
        let more = report(inputs: 50, done: 52, failed: 1)
        #expect(more.pending == nil)
        #expect(more.equation == "52 done + 1 failed for 50 inputs: 3 or more are of rows that are not in the input")
    }
}
