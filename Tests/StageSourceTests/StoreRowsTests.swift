import Basics
import Filtering
import PromptSource
import SegmentStore
import TestSupport
import Testing

@testable import StageSource

@Suite("A store's records as rows")
struct StoreRowsTests {
    private let files = SimulatedFileSystem(seed: 7)
    private let root = "/source"

    private var options: StoreOptions {
        var options = StoreOptions()
        options.files = files
        options.blockRawBytes = 700
        options.segmentBytes = 4000
        return options
    }

    private func create(samples: Int = 1) throws -> RecordStore {
        try RecordStore.create(
            root, job: [:], failureClasses: ["timeout", "bad_input"], samples: samples, options: options)
    }

    private func record(_ number: Int, sample: UInt32 = 0, failing: UInt8? = nil) -> NewRecord {
        NewRecord(
            key: RecordKey("q\(number)", sample: sample),
            status: failing.map { .failed(classIndex: $0) } ?? .ok, attempts: 1, row: UInt64(number), fingerprint: 9,
            members: Array(#""response":"answer number \#(number)""#.utf8))
    }

    private func names(_ rows: [Row]) -> [String] { rows.map { String(decoding: $0.id ?? [], as: UTF8.self) } }

    private func all(_ rows: StoreRows) throws -> [Row] {
        var found: [Row] = []
        while let row = try rows.next() { found.append(row) }
        return found
    }

    @Test("Each answer is a row once, in segments and in the journal, with its row's number")
    func once() throws {
        let store = try create(samples: 2)
        for number in 0..<100 { _ = try store.append([record(number), record(number, sample: 1)]) }
        let found = try all(try StoreRows(root, .answers, options: options))
        #expect(names(found) == (0..<100).flatMap { ["q\($0)", "q\($0)#1"] })
        #expect(found.map(\.number) == Array(0..<200))
        try store.close()
        #expect(names(try all(try StoreRows(root, .answers, options: options))) == names(found))
    }

    @Test("From a position on only what is behind it is read")
    func growth() throws {
        var position = SourcePosition.start
        var found: [String] = []
        for part in 0..<6 {
            let store = part == 0 ? try create() : try RecordStore.open(root, options: options)
            for number in part * 20..<part * 20 + 20 { _ = try store.append([record(number)]) }
            // Closing leaves the journal empty.
            try store.close()
            let rows = try StoreRows(root, .answers, from: position, options: options)
            found += names(try all(rows))
            position = try #require(rows.takePassed())
            #expect(rows.rows == UInt64(part * 20 + 20))
            #expect(position.rows == rows.rows)
        }
        #expect(found == (0..<120).map { "q\($0)" })
    }

    @Test("What was in the journal is read again where the position is before it")
    func journal() throws {
        let store = try create()
        for number in 0..<50 { _ = try store.append([record(number)]) }
        let first = try StoreRows(root, .answers, options: options)
        #expect(try all(first).count == 50)
        let position = first.takePassed() ?? .start
        for number in 50..<60 { _ = try store.append([record(number)]) }
        let second = try StoreRows(root, .answers, from: position, options: options)
        let found = names(try all(second))
        #expect(UInt64(found.count) == 60 - position.rows)
        #expect(found.last == "q59")
        #expect(second.rows == 60)
        try store.close()
    }

    @Test("A position that the store does not hold counts as its start")
    func foreignPosition() throws {
        let store = try create()
        for number in 0..<100 { _ = try store.append([record(number)]) }
        try store.close()
        let position = SourcePosition(responses: LanePosition(segment: 1, offset: 17), rows: 40)
        let rows = try StoreRows(root, .answers, from: position, options: options)
        #expect(try all(rows).count == 100)
        #expect(rows.rows == 100)
    }

    @Test("Failures are rows where they are selected, but not those of the classes left out")
    func failures() throws {
        let store = try create()
        for number in 0..<30 {
            _ = try store.append([record(number, failing: number % 3 == 0 ? 0 : number % 3 == 1 ? 1 : nil)])
        }
        _ = try store.append([record(3), record(9, failing: 0)])
        let selection = SourceSelection(lanes: [.responses, .failures], classesLeftOut: ["bad_input"])
        let found = try all(try StoreRows(root, selection, options: options))
        #expect(Set(names(found)) == Set((0..<30).filter { $0 % 3 != 1 }.map { "q\($0)" }))
        #expect(found.count == 20)
        let only = SourceSelection(lanes: [.failures], classesLeftOut: ["bad_input"])
        #expect(try all(try StoreRows(root, only, options: options)).count == 9)
        try store.close()
    }

    @Test("A condition chooses records by what they say")
    func conditions() throws {
        let store = try create()
        for number in 0..<30 {
            let members =
                #""finish_reason":"\#(number % 2 == 0 ? "stop" : "length")","usage":{"n":\#(number)},"#
                + #""value":"{\"score\":\#(number)}","metadata":"{\"topic\":\"t\#(number % 3)\"}""#
            var new = record(number, failing: number % 10 == 9 ? UInt8(number % 4 == 1 ? 0 : 1) : nil)
            new.members = Array(members.utf8)
            _ = try store.append([new])
        }
        func count(_ text: String, of stage: String? = nil) throws -> Int {
            let condition = try WhereClause(text, fields: SourceSelection.fields + [stage].compactMap { $0 })
            let selection = SourceSelection(condition, of: stage, classesLeftOut: ["bad_input"])
            return try all(try StoreRows(root, selection, options: options)).count
        }
        #expect(try count("finish == 'length'") == 12)
        #expect(try count("value.score >= 20 and metadata.topic == 't0'") == 3)
        #expect(try count("usage.n < 3") == 3)
        #expect(try count("class == 'timeout'") == 2)
        #expect(try count("rejected") == 2)
        #expect(try count("draft.rejected or draft.usage.n == 0", of: "draft") == 3)
        #expect(try count("status == 'ok' or rejected") == 29)
        #expect(try count("value.nothing == 1") == 0)
        try store.close()
    }

    @Test("A store that is being written gives each row once, until it ends", .timeLimit(.minutes(1)))
    func following() throws {
        let store = try create()
        let watch = SourceWatch()
        let total = 400
        let writer = TestThread {
            for number in 0..<total {
                _ = try? store.append([record(number, failing: number % 5 == 0 ? 0 : nil)])
                if number % 5 == 0, number % 2 == 0 { _ = try? store.append([record(number)]) }
            }
            watch.end()
        }
        let rows = try StoreRows(root, .answers, options: options, watch: watch)
        let found = names(try all(rows))
        writer.join()
        #expect(Set(found).count == found.count)
        #expect(Set(found) == Set((0..<total).filter { $0 % 5 != 0 || $0 % 2 == 0 }.map { "q\($0)" }))
        #expect(rows.rows == UInt64(found.count))
        try store.close()
    }

    @Test("A reader that waits ends when it is cancelled", .timeLimit(.minutes(1)))
    func cancelled() throws {
        let store = try create()
        _ = try store.append([record(1)])
        let watch = SourceWatch()
        let rows = try StoreRows(root, .answers, options: options, watch: watch)
        #expect(try rows.next() != nil)
        watch.cancel()
        #expect(try rows.next() == nil)
        try store.close()
    }
}
