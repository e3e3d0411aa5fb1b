import Basics
import Filtering
import JSONText
import PromptSource
import SegmentStore
import TestSupport
import Testing

@testable import StageSource

@Suite("Rows that records of several stores make")
struct JoinedRowsTests {
    private let files = SimulatedFileSystem(seed: 11)

    private var options: StoreOptions {
        var options = StoreOptions()
        options.files = files
        return options
    }

    private func create(_ name: String, samples: Int = 1) throws -> RecordStore {
        try RecordStore.create(
            "/\(name)", job: [:], failureClasses: ["timeout", "bad_input"], samples: samples, options: options)
    }

    private func record(
        _ id: String, _ response: String, sample: UInt32 = 0, value: String = "", failing: UInt8? = nil
    ) -> NewRecord {
        var text: [UInt8] = []
        JSONString.append(value, to: &text)
        let members = #""response":"\#(response)","value":"#
        return NewRecord(
            key: RecordKey(id, sample: sample), status: failing.map { .failed(classIndex: $0) } ?? .ok, attempts: 1,
            row: 0, fingerprint: 9, members: Array(members.utf8) + text)
    }

    /// The rows of the right store are the records of the left one.
    private func join(judge: Bool = false) -> SourceJoin {
        let (left, right) = (ItemWay.Step("/left"), ItemWay.Step("/right"))
        var join = SourceJoin(
            [
                SourceJoin.Source("left", "/left", way: ItemWay(from: [right, left], to: [left])),
                SourceJoin.Source("right", "/right", takesFailures: judge),
            ], lead: "left")
        if judge { join.judge(by: "right", JudgeRule(passAt: 5)) }
        return join
    }

    private func rows(_ join: SourceJoin, where text: String? = nil) throws -> [(id: String, JSONValue)] {
        let condition = try text.map { try WhereClause($0, fields: SourceSelection.fields + ["left", "right"]) }
        let rows = try JoinedRows(
            SourceSelection(join, where: condition, classesLeftOut: ["bad_input"]), join, options: options)
        var found: [(id: String, JSONValue)] = []
        while let row = try rows.next() {
            guard case .json(let line) = row.content else { continue }
            found.append((String(decoding: row.id ?? [], as: UTF8.self), try JSONParser().parse(line).root))
        }
        return found
    }

    @Test("Records of one id are one row, with the lead's fields and each record by its source's name")
    func fields() throws {
        let (left, right) = (try create("left", samples: 2), try create("right"))
        for sample in 0..<2 as Range<UInt32> { _ = try left.append([record("a", "l\(sample)", sample: sample)]) }
        _ = try left.append([record("b", "lb")])
        _ = try right.append([record("a#1", "r1"), record("a", "r0"), record("c", "rc")])
        let found = try rows(join())
        #expect(found.map(\.id) == ["a#1", "a"])
        #expect(found.map { $0.1["response"]?.string } == ["l1", "l0"])
        #expect(found.map { $0.1["right"]?["response"]?.string } == ["r1", "r0"])
        #expect(found.map { $0.1["left"]?["sample"]?.int } == [1, 0])
        #expect(try rows(join(), where: #"right.response == "r0" and response == "l0""#).map(\.id) == ["a"])
    }

    /// The answers of both, `left right`, by the id of the row.
    private func pairs(_ join: SourceJoin) throws -> [String: String] {
        let found = try rows(join).map { row in
            (row.id, "\(row.1["response"]?.string ?? "") \(row.1["right"]?["response"]?.string ?? "")")
        }
        return Dictionary(uniqueKeysWithValues: found)
    }

    @Test("Ids that look like samples are met by the items that they come from, whichever stage has several samples")
    func lookalikes() throws {
        let (left, right) = (try create("left"), try create("right", samples: 2))
        _ = try left.append([record("a", "l"), record("a#1", "own")])
        _ = try right.append([
            record("a", "r0"), record("a", "r1", sample: 1), record("a#1", "own0"), record("a#1", "own1", sample: 1),
        ])
        #expect(try pairs(join()) == ["a": "l r0", "a#1": "l r1", "a#1#0": "own own0", "a#1#1": "own own1"])
    }

    @Test("Samples of samples: each answer is joined with the one that it was made of")
    func samplesOfSamples() throws {
        let (left, right) = (try create("left", samples: 2), try create("right", samples: 2))
        for sample in 0..<2 as Range<UInt32> {
            _ = try left.append([record("a", "l\(sample)", sample: sample)])
            _ = try right.append([
                record("a", "r0\(sample)", sample: sample), record("a#1", "r1\(sample)", sample: sample),
            ])
        }
        #expect(try pairs(join()) == ["a": "l0 r00", "a#1": "l0 r01", "a#1#0": "l1 r10", "a#1#1": "l1 r11"])
    }

    @Test("Of stages on the same rows the samples belong together; one with a single sample is joined with each")
    func siblings() throws {
        func join() -> SourceJoin {
            SourceJoin([SourceJoin.Source("left", "/left"), SourceJoin.Source("right", "/right")], lead: "left")
        }
        let (left, right) = (try create("left", samples: 2), try create("right", samples: 3))
        for sample in 0..<3 as Range<UInt32> {
            if sample < 2 { _ = try left.append([record("a#1", "l\(sample)", sample: sample)]) }
            _ = try right.append([record("a#1", "r\(sample)", sample: sample)])
        }
        #expect(try pairs(join()) == ["a#1#0": "l0 r0", "a#1#1": "l1 r1", "a#1#2": "l0 r2"])
    }

    @Test("A way goes up to what two stages have in common and down to the other, through samples and generations")
    func ways() throws {
        typealias Step = ItemWay.Step
        func item(_ way: ItemWay, _ id: String, _ sample: UInt32 = 0) throws -> RecordKey {
            try way.item(of: RecordKey(id, sample: sample)) { ["two": 2, "up": 2][$0] ?? 1 }
        }
        let deep = ItemWay(from: [Step("c"), Step("b"), Step("two"), Step("a")], to: [Step("a")])
        #expect(try item(deep, "x#1#1") == RecordKey("x#1"))
        #expect(try item(deep, "x") == RecordKey("x"))
        let own = [Step("d3", generation: 3), Step("d2", generation: 2), Step("two")]
        #expect(try item(ItemWay(from: own, to: [Step("two")]), "x#1~3") == RecordKey("x", sample: 1))
        #expect(try item(ItemWay(from: own, to: [Step("s"), Step("two")]), "x#1~3") == RecordKey("x#1"))
        #expect(try item(ItemWay(from: [Step("s"), Step("two")], to: own), "x#1") == RecordKey("x#1~3"))
        let cousins = ItemWay(from: [Step("e"), Step("up")], to: [Step("f"), Step("two")])
        #expect(try item(cousins, "x#1") == RecordKey("x#1"))
    }

    @Test("A judge's score is the row's; where the judge has failed there is none")
    func verdicts() throws {
        let (left, right) = (try create("left"), try create("right"))
        _ = try left.append(["a", "b", "c", "d"].map { record($0, "l") })
        _ = try right.append([
            record("a", "", value: #"{"score":7,"reason":"good"}"#),
            record("b", "", value: #"{"score":2,"pass":true}"#),
            record("c", "", failing: 0), record("d", "", value: #"{"grade":1}"#),
        ])
        let found = try rows(join(judge: true)).sorted { $0.id < $1.id }
        #expect(found.map { $0.1["score"]?.double } == [7, 2, nil, nil])
        #expect(found.map { $0.1["pass"]?.bool } == [true, true, nil, nil])
        #expect(found[0].1["verdict"]?["feedback"]?.string == "good")
        #expect(try rows(join(judge: true), where: "score < 5").map(\.id) == ["b"])
        #expect(try rows(join(judge: true), where: "verdict.score >= 5").map(\.id) == ["a"])
        #expect(try rows(join(judge: true), where: "right.rejected").map(\.id) == ["c"])
    }

    @Test("A row whose other record comes later waits for it, and is given once", .timeLimit(.minutes(1)))
    func waiting() async throws {
        let (left, right) = (try create("left"), try create("right"))
        _ = try right.append((0..<20).map { record("q\($0)", "r") })
        _ = try left.append((0..<5).map { record("q\($0)", "l") })
        let (leftWatch, rightWatch) = (SourceWatch(), SourceWatch())
        let join = join()
        let rows = try JoinedRows(
            SourceSelection(join, where: nil, classesLeftOut: []), join, options: options,
            watches: ["left": leftWatch, "right": rightWatch])
        var found: [String] = []
        for _ in 0..<5 { found.append(String(decoding: try #require(try rows.next()).id ?? [], as: UTF8.self)) }
        rightWatch.end()
        _ = try left.append((5..<15).map { record("q\($0)", "l") })
        leftWatch.end()
        while let row = try rows.next() { found.append(String(decoding: row.id ?? [], as: UTF8.self)) }
        #expect(found.sorted() == (0..<15).map { "q\($0)" }.sorted())
    }

    @Test("A reader that waits for another store ends when it is cancelled", .timeLimit(.minutes(1)))
    func cancelling() throws {
        let (_, right) = (try create("left"), try create("right"))
        _ = try right.append([record("a", "r")])
        let (leftWatch, rightWatch) = (SourceWatch(), SourceWatch())
        rightWatch.end()
        let join = join()
        let rows = try JoinedRows(
            SourceSelection(join, where: nil, classesLeftOut: []), join, options: options,
            watches: ["left": leftWatch, "right": rightWatch])
        WorkThread.start { rightWatch.cancel() }
        #expect(try rows.next() == nil)
    }
}
