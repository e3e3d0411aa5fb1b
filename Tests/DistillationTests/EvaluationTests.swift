import Basics
import JSONText
import RunTestSupport
import SegmentStore
import Testing
import Verifiers

@testable import Dataset
@testable import Distillation
@testable import Reporting

@Suite struct EvaluationTests {
    private static let answers: [(id: String, sample: UInt32, text: String)] = [
        ("a", 0, "good"), ("a", 1, "bad"), ("a", 2, "good!!"), ("a", 3, "bad!"),
        ("b", 0, "bad"), ("b", 1, "bad"), ("b", 2, "bad!"), ("b", 3, "bad"),
        ("c", 0, "good!"), ("c", 1, "broken"), ("c", 2, "good!"), ("c", 3, "good"),
    ]

    @Test func verdictsAreStoredBesideTheAnswersAndNoneIsMadeTwice() async throws {
        let fixture = try EvaluationFixture(Self.answers)
        let verifier = WordVerifier()
        let first = try await fixture.evaluate(verifier)
        #expect(first.judged == 11 && first.passed == 5 && first.unable == 1 && first.kept == 0)
        #expect(first.example?.hasPrefix("c#1: the verifier 'words' failed") == true)
        #expect(try fixture.reader().counters.verdicts == 11)
        #expect(try fixture.reader().counters.done == 12)
        let second = try await fixture.evaluate(verifier)
        #expect(second.judged == 0 && second.kept == 11 && second.unable == 1)
        #expect(verifier.judged.withLock { $0 } == 13)
    }

    @Test func theNewestVerdictCountsAndAFlipIsMarked() async throws {
        let fixture = try EvaluationFixture(Self.answers)
        _ = try await fixture.evaluate(WordVerifier())
        let again = try await fixture.evaluate(WordVerifier(word: "bad"), again: true)
        #expect(again.judged == 11 && again.changed == 11)
        let tally = try #require(try fixture.summary("words").verifiers.first)
        #expect(tally.passed == 6 && tally.judged == 11 && tally.unjudged == 1 && tally.flipped == 11)
    }

    @Test func theSummaryHasPassAtK() async throws {
        let fixture = try EvaluationFixture(Self.answers)
        _ = try await fixture.evaluate(WordVerifier())
        let summary = try fixture.summary("words", ks: [1, 2, 4])
        let passes = try #require(summary.verifiers.first).passAt(summary.ks)
        // a: 2 of 4, b: 0 of 4, c: 3 of 3.
        #expect(passes.map(\.items) == [3, 3, 2])
        #expect(abs(passes[0].value - (0.5 + 0 + 1) / 3) < 1e-12)
        #expect(abs(passes[1].value - (5.0 / 6 + 0 + 1) / 3) < 1e-12)
        #expect(passes[2].value == 0.5)
        var items: [String] = []
        try summary.forEachItem { items.append(String(decoding: $0, as: UTF8.self)) }
        #expect(items.count == 3)
        #expect(items[0].hasPrefix(#"{"id":"a","verifier":"words","samples":4,"passed":2,"pass@1":0.5,"#))
        #expect(EvaluationNote.lines(try fixture.reader().manifest) == ["words: 5 of 11 passed (45.5%)"])
    }

    @Test func aVerifierThatOnlyFailsEndsTheWork() async throws {
        let fixture = try EvaluationFixture((0..<300).map { ("\($0)", 0, "broken") })
        let verifier = WordVerifier()
        await #expect(throws: RetortError.self) { try await fixture.evaluate(verifier) }
        #expect(verifier.judged.withLock { $0 } < 100)
    }

    @Test func aChangedAnswerIsJudgedAgain() async throws {
        let fixture = try EvaluationFixture([("a", 0, "good")])
        _ = try await fixture.evaluate(WordVerifier())
        let view = RecordView(
            try JSONParser().parse(#"{"created":99999999999,"verdict":""}"#).root)
        let verdicts = try StoredVerdicts(fixture.root)
        #expect(try verdicts.verdict(on: view, RecordKey("a"), by: "words") == nil)
        let older = RecordView(try JSONParser().parse(#"{"created":5,"verdict":""}"#).root)
        #expect(try verdicts.verdict(on: older, RecordKey("a"), by: "words")?.pass == true)
    }

    @Test func theVerdictOfARunCounts() throws {
        let fixture = try EvaluationFixture([("a", 0, "good")])
        let verdict = #"{\"verifier\":\"words\",\"pass\":false,\"score\":0.5,\"feedback\":\"f\"}"#
        let view = RecordView(try JSONParser().parse(#"{"created":5,"verdict":"\#(verdict)"}"#).root)
        let found = try StoredVerdicts(fixture.root).verdict(on: view, RecordKey("a"), by: "words")
        #expect(found?.pass == false && found?.score == 0.5)
        #expect(try StoredVerdicts(fixture.root).verdict(on: view, RecordKey("a"), by: "other") == nil)
    }

    // MARK: Exports

    private func exported(_ selection: ExportSelection, _ fixture: EvaluationFixture) throws -> (
        [String], [LeftOut: Int]
    ) {
        let path = fixture.folder("out.jsonl")
        let exporter = Exporter(
            filter: ExportFilter(selection: selection),
            renderer: ExportRenderer(format: .text, reasoning: .drop, withIDs: true, hasSamples: true),
            output: try OutputFile(path, replacing: true), test: nil)
        let report = try exporter.run(try fixture.reader())
        let text = try PosixFileSystem().text(of: path)
        let lines = try text.split(separator: "\n").map { try LivingFixture.parse(String($0)) }
        return (lines.map { "\($0["id"]?.string ?? "")\($0["sample"]?.int ?? -1)" }, report.leftOut)
    }

    @Test(arguments: [
        ("pass", ["a0", "a2", "c0", "c2", "c3"]), ("not pass", ["a1", "a3", "b0", "b1", "b2", "b3", "c1"]),
        ("score >= 1 and pass", ["a2", "c0", "c2"]), ("score == null", ["c1"]), ("value.n == 6", ["a2", "c1"]),
        ("id == 'b' and sample < 2 and metadata.topic == 'art' and finish == 'stop'", ["b0", "b1"]),
        ("details.program == 'p' and feedback == 'read: bad!'", ["a3", "b2"]),
    ])
    func conditionsChooseAnswers(_ condition: String, _ expected: [String]) async throws {
        let fixture = try EvaluationFixture(Self.answers)
        _ = try await fixture.evaluate(WordVerifier())
        let (taken, leftOut) = try exported(try fixture.selection(condition), fixture)
        #expect(taken == expected)
        #expect(leftOut == [.condition: 12 - expected.count])
    }

    @Test func theBestOfEachItemAndDistinctTexts() async throws {
        let fixture = try EvaluationFixture(Self.answers)
        _ = try await fixture.evaluate(WordVerifier())
        #expect(try exported(try fixture.selection(best: true), fixture).0 == ["a2", "b2", "c0"])
        #expect(
            try exported(try fixture.selection(unique: true), fixture).0 == [
                "a0", "a1", "a2", "a3", "b0", "b2", "c0", "c1", "c3",
            ])
        let all = try fixture.selection("not pass", best: true, unique: true)
        #expect(try exported(all, fixture).0 == ["a3", "b2", "c1"])
    }

    @Test(arguments: [ExportTarget.trl, .openai])
    func pairsHoldABetterAndAWorseAnswer(_ target: ExportTarget) async throws {
        let fixture = try EvaluationFixture(Self.answers + [("d", 0, "good"), ("e", 0, "good"), ("e", 1, "good")])
        _ = try await fixture.evaluate(WordVerifier())
        let selection = try fixture.selection()
        let path = fixture.folder("pairs.jsonl")
        let exporter = PreferenceExporter(
            filter: ExportFilter(selection: selection), selection: selection,
            renderer: ExportRenderer(
                format: .messages, reasoning: .drop, withIDs: false, hasSamples: true, target: target),
            output: try OutputFile(path, replacing: false))
        let report = try exporter.run(try fixture.reader())
        #expect(report.written == 3 && report.undecided == 2 && report.unjudged == 1)
        let lines = try PosixFileSystem().text(of: path).split(separator: "\n").map(String.init)
        let turn = #"[{"role":"user","content":"ask"}]"#
        func answer(_ text: String) -> String { #"[{"role":"assistant","content":"\#(text)"}]"# }
        switch target {
        case .trl:
            #expect(lines[0] == #"{"prompt":\#(turn),"chosen":\#(answer("good!!")),"rejected":\#(answer("bad"))}"#)
        case .openai:
            let given = #"{"input":{"messages":\#(turn)},"preferred_output":\#(answer("good!!")),"#
            #expect(lines[0] == given + #""non_preferred_output":\#(answer("bad"))}"#)
        }
    }
}
