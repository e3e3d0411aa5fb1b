import Basics
import TestSupport
import Testing

@testable import SegmentStore

/// Rounds and verdicts: stored as durably as outcomes, and not counted as done, failed or pending.
@Suite struct LaneTests {
    private let sample = SampleStore()

    private func lines(_ lane: Lane, everyRecord: Bool = false, root: String? = nil) throws -> [[UInt8]] {
        var lines: [[UInt8]] = []
        let reader = try StoreReader(root ?? sample.root, options: sample.options)
        try reader.forEach(lane, everyRecord: everyRecord) { lines.append($0.line) }
        return lines
    }

    @Test func keysDiffer() {
        let keys =
            [RecordKey("a"), RecordKey("a", sample: 1), RecordKey("ab")]
            + [
                RecordKey("a", part: .round(1)), RecordKey("a", part: .round(2)),
                RecordKey("a", sample: 1, part: .round(1)),
            ]
            + [
                RecordKey("a", part: .verdict("b")), RecordKey("ab", part: .verdict("")),
                RecordKey("a", part: .verdict("bc")),
            ]
        #expect(Set(keys.map(\.hash)).count == keys.count)
        #expect(RecordKey("a", sample: 7).hash == Array("a".utf8).withUnsafeBytes { ContentHash.hash128($0, seed: 7) })
    }

    @Test func headsAreReadStrictly() throws {
        for record in [
            StoreFixture.round(4, .max, stating: 3), StoreFixture.verdict(4, of: "é \"q\" \\", stating: 3),
        ] {
            let line = StoreFixture.line(record)
            let head = try #require(line.withUnsafeBytes { RecordHead.parse($0) })
            #expect(head.key == record.key && head.lane == record.status.lane && head.failureClass == nil)
        }
        let rest = #","attempts":1,"row":0,"fingerprint":"0000000000000000","n":1}"#
        let start = #"{"id":"a","sample":0"#
        for middle in [
            #","round":0,"status":"round""#, #","round":1,"status":"ok""#, #","round":4294967296,"status":"round""#,
            #","round":-1,"status":"round""#, #","round":1,"status":"verdict""#, #","status":"round""#,
            #","status":"verdict""#, #","verifier":"","status":"verdict""#, #","verifier":"v","status":"ok""#,
            #","verifier":"v","round":1,"status":"verdict""#, #","round":1,"verifier":"v","status":"round""#,
            #","verifier":"\ud800","status":"verdict""#,
            #","verifier":""# + String(repeating: "v", count: 257) + #"","status":"verdict""#,
        ] {
            let line = Array((start + middle + rest).utf8)
            #expect(line.withUnsafeBytes { RecordHead.parse($0) } == nil, "\(middle)")
        }
    }

    @Test func theyAreFoundAndCountForNothingElse() throws {
        let store = try sample.create()
        _ = try store.append([
            StoreFixture.record(1), StoreFixture.round(1, 1, stating: 10), StoreFixture.round(1, 1, stating: 11),
            StoreFixture.verdict(1, of: "judge", stating: 20), StoreFixture.verdict(1, of: "judge", stating: 21),
        ])
        _ = try store.append([
            StoreFixture.round(2, 1, stating: 12), StoreFixture.round(1, 1, stating: 13),
            StoreFixture.verdict(1, of: "tests", stating: 22), StoreFixture.verdict(1, of: "judge", stating: 23),
        ])
        func expectAll(_ counters: StoreCounters) {
            #expect(counters.done == 1 && counters.failed == 0 && counters.rounds == 4 && counters.verdicts == 2)
            #expect(counters.tallies[0] == 1 && counters.tallies(of: .responses)[0] == 1)
            #expect(counters.tallies(of: .rounds)[0] == 46 && counters.tallies(of: .verdicts)[0] == 86)
        }
        func expectFound(_ lookup: (RecordKey) throws -> IndexEntry?) throws {
            #expect(try lookup(RecordKey("item-1", part: .round(1)))?.fingerprint == 10)
            #expect(try lookup(RecordKey("item-1", part: .verdict("judge")))?.fingerprint == 23)
            #expect(try lookup(RecordKey("item-1", part: .verdict("tests")))?.recordStatus == .verdict)
            #expect(try lookup(RecordKey("item-1", part: .round(2))) == nil)
            #expect(try lookup(RecordKey("item-2")) == nil)
            #expect(try lookup(RecordKey("item-1"))?.recordStatus == .ok)
        }
        for _ in 0..<2 {
            expectAll(store.counters)
            try expectFound(store.lookup)
            let hashes = [1, 2, 3].map { RecordKey("item-\($0)", part: .round(1)).hash }
            #expect(try store.lookup(hashes, in: .rounds).map { $0?.fingerprint } == [10, 12, nil])
            let reader = try StoreReader(sample.root, options: sample.options)
            expectAll(reader.counters)
            try expectFound(reader.lookup)
            let key = RecordKey("item-1", part: .round(1))
            #expect(try reader.record(key)?.line == StoreFixture.line(StoreFixture.round(1, 1, stating: 10)))
            #expect(try lines(.rounds).count == 4)
            #expect(try lines(.verdicts).count == 2 && lines(.verdicts, everyRecord: true).count == 4)
            let report = try sample.verify()
            #expect(report.isClean, "\(report.problems)")
            try store.sync()
        }
        try store.close()
        #expect(try sample.verify().isClean)
        let again = try RecordStore.open(sample.root, options: sample.options)
        expectAll(again.counters)
        try expectFound(again.lookup)
        #expect(again.inputProgress.ledger.count == 1)
        try again.close()
        for source in StoreReindex.Source.allCases {
            expectAll(try StoreReindex.run(sample.root, options: sample.options, from: source).counters)
        }
    }

    @Test func manyOfThemFillSegmentsAndRuns() throws {
        let store = try sample.create()
        for number in 0..<300 {
            _ = try store.append([
                StoreFixture.round(number % 100, UInt32(1 + number % 2), stating: number),
                StoreFixture.verdict(number % 70, of: "judge", stating: number), StoreFixture.record(number),
            ])
        }
        try store.close()
        let reader = try StoreReader(sample.root, options: sample.options)
        #expect(reader.counters.rounds == 300 && reader.counters.verdicts == 70 && reader.counters.done == 300)
        for number in 0..<70 {
            let verdict = try reader.lookup(RecordKey("item-\(number)", part: .verdict("judge")))
            #expect(verdict?.fingerprint == UInt32(number < 20 ? 280 + number : 210 + number))
            let round = try reader.lookup(RecordKey("item-\(number)", part: .round(UInt32(1 + number % 2))))
            #expect(round?.fingerprint == UInt32(number))
        }
        #expect(try sample.verify().isClean)
        #expect(sample.segments.filter { $0.contains("rounds") }.count > 1)
    }

    /// A batch's rounds are in their journal before its outcomes are.
    @Test func roundsComeFirst() throws {
        let store = try sample.create()
        // At each call: whether an outcome's journal exists without the rounds' one.
        let isLate = Locked(false)
        let root = sample.root
        sample.files.observe { machine in
            let journals = machine.snapshot.keys.filter { $0.contains("journal") }
            let hasRound = journals.contains { $0.hasPrefix(root + "/rounds") }
            if !journals.isEmpty, !hasRound { isLate.withLock { $0 = true } }
        }
        _ = try store.append([
            StoreFixture.verdict(1, of: "v", stating: 1), StoreFixture.record(1, failing: 1), StoreFixture.record(1),
            StoreFixture.round(1, 1, stating: 2),
        ])
        sample.files.observe(nil)
        #expect(!isLate.withLock { $0 })
        let machine = sample.files.fork(seed: 1)
        machine.kill()
        #expect(machine.snapshot.keys.contains { $0.contains("/rounds/journal") })
        #expect(store.counters.rounds == 1 && store.counters.done == 1 && store.counters.verdicts == 1)
    }

    /// A batch that was interrupted by a full disk after its rounds is appended again: the rounds are stored once.
    @Test func aBatchThatComesAgainKeepsItsRoundsOnce() throws {
        let store = try sample.create()
        let batch = [StoreFixture.record(1, failing: 1), StoreFixture.round(1, 1, stating: 5)]
        sample.files.fail(.write, on: "/failures/", with: 28, repeats: true)
        #expect { _ = try store.append(batch) } throws: { ($0 as? RetortError)?.code == .noSpace }
        sample.files.clearFaults()
        #expect(try store.append(batch).count == 2)
        #expect(store.counters.rounds == 1 && store.counters.failed == 1)
        try store.close()
        #expect(try lines(.rounds).count == 1)
        #expect(try sample.verify().isClean)
    }

    @Test func supersededAnswersLeaveTheirRounds() throws {
        let store = try sample.create()
        for number in 0..<40 {
            _ = try store.append([StoreFixture.record(number), StoreFixture.round(number, 1, stating: number)])
        }
        try store.close()
        let revision = try StoreRevision(sample.root, options: sample.options)
        for number in 10..<20 {
            try revision.supersede(try #require(try revision.lookup(RecordKey("item-\(number)"))))
        }
        try revision.commit(job: ["model": "new"])
        revision.release()
        let reader = try StoreReader(sample.root, options: sample.options)
        #expect(reader.counters.done == 30 && reader.counters.rounds == 40)
        #expect(try sample.verify().isClean)
    }

    @Test func aRepairKeepsWhatHolds() throws {
        let store = try sample.create()
        for number in 0..<60 {
            _ = try store.append([StoreFixture.round(number, 1, stating: number), StoreFixture.record(number)])
        }
        try store.close()
        let path = try #require(sample.segments.first { $0.contains("rounds") })
        let block = sample.blocks(path)[1]
        for byte in 0..<30 { sample.flip(path, at: block.offset + block.payloadStart + 5 + byte, bit: 0x55) }
        #expect(try sample.verify().problemCounts[.block] == 1)
        _ = try StoreRepair.run(sample.root, options: sample.options)
        #expect(try sample.verify().isClean)
        let reader = try StoreReader(sample.root, options: sample.options)
        #expect(reader.counters.done == 60 && reader.counters.rounds == UInt64(60 - block.records))
    }

    @Test func aMergeKeepsEveryRoundThatWasPaidFor() throws {
        func make(_ root: String, _ records: [NewRecord]) throws -> SampleStore {
            let other = SampleStore(on: sample.files, root: root)
            let store = try other.create()
            _ = try store.append(records)
            try store.close()
            return other
        }
        let one = try make(
            "/one",
            [
                StoreFixture.round(1, 1, stating: 1), StoreFixture.record(1), StoreFixture.round(2, 1, stating: 2),
                StoreFixture.verdict(1, of: "judge", stating: 3), StoreFixture.verdict(1, of: "tests", stating: 4),
            ])
        let two = try make(
            "/two",
            [
                StoreFixture.round(1, 1, stating: 11), StoreFixture.record(1), StoreFixture.round(3, 1, stating: 12),
                StoreFixture.verdict(1, of: "judge", stating: 13),
            ])
        // A continued copy of the first.
        for (path, bytes) in sample.files.snapshot where path.hasPrefix("/one/") {
            try sample.files.createDirectory(
                "/copy" + path.dropFirst(4).prefix(upTo: path.dropFirst(4).lastIndex(of: "/")!))
            sample.files.overwrite("/copy" + path.dropFirst(4), with: bytes)
        }
        let copy = try RecordStore.open("/copy", options: sample.options)
        _ = try copy.append([StoreFixture.round(2, 1, stating: 21), StoreFixture.round(2, 2, stating: 22)])
        try copy.close()
        let report = try StoreMerge.run([one.root, two.root, "/copy"], into: "/merged", options: sample.options)
        #expect(report.sources.map(\.rounds) == [2, 2, 2])
        #expect(report.counters.rounds == 6 && report.counters.verdicts == 2 && report.counters.done == 1)
        let reader = try StoreReader("/merged", options: sample.options)
        #expect(reader.counters == report.counters)
        #expect(try reader.lookup(RecordKey("item-1", part: .round(1)))?.fingerprint == 1)
        #expect(try reader.lookup(RecordKey("item-2", part: .round(1)))?.fingerprint == 2)
        #expect(try reader.lookup(RecordKey("item-1", part: .verdict("judge")))?.fingerprint == 3)
        #expect(try lines(.rounds, root: "/merged").count == 6)
        let check = try StoreVerification.run("/merged", options: sample.options, deep: true)
        #expect(check.isClean, "\(check.problems)")
    }

    @Test func aLineOfAnotherLaneIsDamage() throws {
        let store = try sample.create()
        _ = try store.append([StoreFixture.record(1), StoreFixture.round(1, 1, stating: 1)])
        try store.sync()
        sample.files.kill()
        let journal = try #require(sample.files.snapshot.keys.first { $0.contains("/rounds/journal") })
        let bytes = sample.files.snapshot[journal]!
        sample.files.overwrite(journal, with: nil)
        sample.files.overwrite(sample.path("verdicts/journal-0000000000000000.jsonl"), with: bytes)
        let opened = try RecordStore.open(sample.root, options: sample.options)
        #expect(opened.recovery.damage.first?.reason.contains("records of the rounds") == true)
        #expect(opened.counters.verdicts == 0)
    }
}
