import Basics
import TestSupport
import Testing

@testable import SegmentStore

extension SampleStore {
    /// Removes the records of these items from the store.
    @discardableResult
    func revise(
        _ numbers: some Sequence<Int>, amending others: some Sequence<Int> = [], job: [String: String] = ["model": "m"]
    ) throws -> (Int, Int) {
        let revision = try StoreRevision(root, options: options)
        defer { revision.release() }
        for number in numbers {
            if let entry = try revision.lookup(RecordKey("item-\(number)")) { try revision.supersede(entry) }
        }
        for number in others {
            if let entry = try revision.lookup(RecordKey("item-\(number)")) { try revision.amend(entry) }
        }
        try revision.commit(job: job) { record in Self.amended(record.line) }
        return (revision.answers, revision.failures)
    }

    /// The amended form of a line: longer, so that its block may be split.
    static func amended(_ line: [UInt8]) -> [UInt8] {
        line.dropLast() + Array((#","more":""# + String(repeating: "m", count: 300) + "\"}").utf8)
    }

    /// The lines after the successes of these items have been amended.
    func amended(_ lines: [String], _ numbers: Set<Int>) -> [String] {
        lines.map { line in
            guard numbers.contains(id(ofLine: line)), line.contains(#""status":"ok""#) else { return line }
            return String(decoding: Self.amended(Array(line.utf8)), as: UTF8.self)
        }.sorted()
    }

    /// Every line of the lanes, whether it counts or not, sorted.
    func rawLines() throws -> [String] {
        try StoreFixture.rawLines(options).map { String(decoding: $0.1, as: UTF8.self) }.sorted()
    }

    func archivedLines() throws -> [String] {
        let reader = try StoreReader(root, options: options)
        var lines: [String] = []
        for lane in Lane.allCases {
            try reader.forEachSuperseded(lane) { record throws(RetortError) in
                lines.append(String(decoding: record.line, as: UTF8.self))
            }
        }
        return lines.sorted()
    }

    func id(ofLine line: String) -> Int { Int(line.dropFirst(#"{"id":"item-"#.count).prefix { $0 != "\"" })! }
}

@Suite struct StoreRevisionTests {
    private let store: SampleStore
    private let chosen = Set(stride(from: 0, to: 90, by: 4))

    init() throws { store = try SampleStore().make() }

    @Test func takesOutEveryLineOfTheKeys() throws {
        let before = try store.rawLines()
        let counters = try store.verify().counters
        let (answers, failures) = try store.revise(chosen)
        #expect(answers > 0 && failures > 0 && answers + failures == chosen.count)
        #expect(try store.rawLines() == before.filter { !chosen.contains(store.id(ofLine: $0)) })
        #expect(try store.archivedLines() == before.filter { chosen.contains(store.id(ofLine: $0)) })
        let report = try store.verify()
        #expect(report.isClean, "\(report.problems)")
        #expect(report.done == counters.done - UInt64(answers) && report.failed == counters.failed - UInt64(failures))
        #expect(report.supersededRecords == (try store.archivedLines().count))
        let manifest = try StoreManifest.load(StoreLayout(root: store.root), files: store.files)
        #expect(manifest.features == [BlockChecks.feature] && manifest.superseding == nil)
        #expect(!store.files.snapshot.keys.contains { $0.hasSuffix(".new") || $0.contains("tmp-revise") })
    }

    /// A failure older than the removed success would make its key a failed one.
    @Test func keysArePendingAfterwards() throws {
        try store.revise(0..<90)
        let opened = try RecordStore.open(store.root, options: store.options)
        #expect(opened.recovery.isClean)
        #expect(opened.counters == StoreCounters())
        for number in 0..<90 { #expect(try opened.lookup(RecordKey("item-\(number)")) == nil) }
        try opened.close()
        #expect(!store.segments.contains { !$0.contains("/superseded/") })
    }

    @Test func segmentsWithoutSuchRecordsAreNotTouched() throws {
        let before = store.files.snapshot
        try store.revise([0, 1])
        let changed = store.segments.filter { before[$0] != store.files.snapshot[$0] }
        #expect(
            changed == [
                store.path("responses/000001.jsonl.gz"), store.path("superseded/responses/000001.jsonl.gz"),
            ])
    }

    @Test func keysAreAnsweredAnewAndMayGoAgain() throws {
        for round in 1...3 {
            try store.revise(chosen)
            let opened = try RecordStore.open(store.root, options: store.options)
            let records = chosen.map { StoreFixture.record($0, attempts: UInt32(round)) }
            #expect(try opened.append(records).count == chosen.count)
            try opened.close()
            #expect(try store.verify().isClean)
        }
        let lines = try store.lines()[.responses]!
        for number in chosen {
            #expect(lines["item-\(number)"] == StoreFixture.line(StoreFixture.record(number, attempts: 3)))
        }
        let numbers = try store.archivedLines().map { store.id(ofLine: $0) }
        #expect(chosen.allSatisfy { number in numbers.count { $0 == number } >= 3 })
    }

    @Test func theJobIsReplacedWithIt() throws {
        try store.revise([3], job: ["model": "other"])
        #expect(try RecordStore.manifest(of: store.root, files: store.files)?.job == ["model": "other"])
        try store.revise([], job: ["model": "third"])
        #expect(try RecordStore.manifest(of: store.root, files: store.files)?.job == ["model": "third"])
        #expect(try store.verify().isClean)
    }

    @Test(arguments: [false, true]) func answersThatStayMayGetAnotherLine(_ alone: Bool) throws {
        let before = try store.rawLines()
        let counters = try store.verify().counters
        let others = Set(stride(from: 1, to: 90, by: 3)).subtracting(chosen)
        let leaving = alone ? [] : chosen
        let (answers, failures) = try store.revise(leaving, amending: others)
        #expect(
            try store.rawLines() == store.amended(before.filter { !leaving.contains(store.id(ofLine: $0)) }, others))
        #expect(try store.archivedLines() == before.filter { leaving.contains(store.id(ofLine: $0)) })
        let report = try store.verify()
        #expect(report.isClean, "\(report.problems)")
        #expect(report.done == counters.done - UInt64(answers) && report.failed == counters.failed - UInt64(failures))
        let opened = try RecordStore.open(store.root, options: store.options)
        #expect(opened.recovery.isClean)
        try opened.close()
        let reader = try StoreReader(store.root, options: store.options)
        let number = try #require(others.sorted().first { $0 % 7 != 3 })
        let line = try #require(try reader.record(RecordKey("item-\(number)"))).line
        #expect(line == SampleStore.amended(StoreFixture.line(StoreFixture.record(number))))
    }

    @Test func aLineOfAnotherRecordIsRefused() throws {
        let before = try store.rawLines()
        let revision = try StoreRevision(store.root, options: store.options)
        try revision.amend(try #require(try revision.lookup(RecordKey("item-1"))))
        #expect(throws: RetortError.self) {
            try revision.commit(job: [:]) { _ in StoreFixture.line(StoreFixture.record(2)) }
        }
        revision.release()
        #expect(try store.rawLines() == before)
        #expect(try store.verify().isClean)
    }

    @Test func notesJoinThoseThatAreThere() throws {
        let opened = try RecordStore.open(store.root, options: store.options)
        try opened.note("a", "1")
        try opened.close()
        let revision = try StoreRevision(store.root, options: store.options)
        try revision.commit(job: ["model": "m"], notes: ["b": "2"])
        revision.release()
        #expect(try RecordStore.manifest(of: store.root, files: store.files)?.notes == ["a": "1", "b": "2"])
    }

    @Test func whatIsNotCommittedHasNotHappened() throws {
        let before = store.files.snapshot.filter { $0.key.hasPrefix(store.root + "/responses") }
        let revision = try StoreRevision(store.root, options: store.options)
        try revision.supersede(try #require(try revision.lookup(RecordKey("item-1"))))
        #expect(throws: RetortError.self) { try RecordStore.open(store.root, options: store.options) }
        revision.release()
        #expect(store.files.snapshot.filter { $0.key.hasPrefix(store.root + "/responses") } == before)
        #expect(try store.verify().isClean)
    }

    @Test func listsThatDoNotFitIntoMemoryGoToTheDisk() throws {
        var small = store
        small.options.tuning.deltaEntriesMax = 3
        let before = try store.rawLines()
        try small.revise(chosen)
        #expect(try store.archivedLines() == before.filter { chosen.contains(store.id(ofLine: $0)) })
        #expect(try store.verify().isClean)
    }

    @Test func aReaderKeepsWhatItSaw() throws {
        let reader = try StoreReader(store.root, options: store.options)
        let before = try StoreFixture.lines(.responses, StoreReader(store.root, options: store.options))
        try store.revise(0..<90)
        #expect(try StoreFixture.lines(.responses, reader) == before)
        #expect(try reader.record(RecordKey("item-0"))?.line == before["item-0"])
    }

    @Test func damageStopsIt() throws {
        let path = store.path("responses/000001.jsonl.gz")
        store.flip(path, at: store.blocks(path)[1].offset + 100)
        let before = store.files.snapshot.filter { $0.key.hasSuffix(".gz") }
        let error = #expect(throws: RetortError.self) { try store.revise(chosen) }
        #expect(error?.code == .damagedData)
        #expect(store.files.snapshot.filter { $0.key.hasSuffix(".gz") } == before)
        #expect(!store.files.snapshot.keys.contains { $0.hasSuffix(".new") })
    }

    @Test func damagedArchiveIsFoundAndRepaired() throws {
        try store.revise(chosen)
        let lines = try store.lines()
        let path = store.path("superseded/responses/000001.jsonl.gz")
        store.flip(path, at: store.blocks(path)[0].offset + 100)
        let report = try store.verify(deep: false)
        #expect(report.problemCounts == [.block: 1] && report.problems[0].place == path)
        let repaired = try StoreRepair.run(store.root, options: store.options)
        #expect(repaired.quarantined == 1)
        #expect(try store.verify().isClean)
        #expect(try store.lines() == lines)
    }

    @Test func mergingCarriesItAlong() throws {
        try store.revise(chosen)
        let archived = try store.archivedLines()
        _ = try StoreMerge.run([store.root], into: "/merged", options: store.options)
        let merged = SampleStore(on: store.files, root: "/merged")
        #expect(try merged.archivedLines() == archived)
        #expect(try merged.verify().isClean)
        #expect(try merged.lines() == store.lines())
    }
}
