import Basics
import JSONText
import ModelAPI
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct ReusingTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    @Test func theTableFindsWhatWasPutInHoweverItGrows() throws {
        let table = try FingerprintTable(in: folder.path)
        for number in 0..<20_000 as Range<UInt64> {
            try table.insert(UInt32(number * 7), Hash128(high: number, low: ~number))
        }
        #expect(table.count == 20_000)
        for number in 0..<20_000 as Range<UInt64> {
            #expect(table.keys(UInt32(number * 7)) == [Hash128(high: number, low: ~number)])
        }
        #expect(!table.contains(1) && table.keys(2).isEmpty)
        // The number of records kept for one request is bounded.
        for number in 0..<10_000 as Range<UInt64> { try table.insert(3, Hash128(high: 1, low: number)) }
        try table.insert(3, Hash128(high: 1, low: 0))
        #expect(table.keys(3).count == FingerprintTable.keysMax)
        #expect(try PosixFileSystem().entries(of: folder.path).isEmpty)
    }

    private func plan(_ text: String, _ flags: String...) throws -> RunPlan {
        let path = try folder.write("in.jsonl", text)
        return try RunPlan(try settings([path, "--out", folder.path + "/out", "--simulate"] + flags))
    }

    private static let rows =
        #"{"id":"a","prompt":"x"}"# + "\n" + #"{"prompt":"x","id":"b"}"# + "\n" + #"{"id":"c","prompt":"y"}"# + "\n"

    @Test func aPlanTellsHowManyAreReused() throws {
        #expect(try plan(Self.rows).reused == 0)
        let plan = try plan(Self.rows, "--reuse", "auto", "--samples", "2")
        #expect(plan.new == 4 && plan.reused == 2, "samples of a row are not equal")
    }

    @Test func aTemperatureAboveZeroIsAskedUnlessSaid() throws {
        #expect(try plan(Self.rows, "--reuse", "auto", "--temperature", "0.7").reused == 0)
        #expect(try plan(Self.rows, "--reuse", "always", "--temperature", "0.7").reused == 1)
        let warm = #"{"id":"d","prompt":"x","temperature":0.5}"# + "\n" + #"{"id":"e","prompt":"x","temperature":0.5}"#
        #expect(try plan(warm, "--reuse", "auto").reused == 0)
        let settings = try settings("in", "--out", "o", "--simulate", "--reuse", "auto", "--temperature", "1")
        let remark = settings.reuse?.remark(temperature: settings.parameters.temperature)
        #expect(remark?.contains("--reuse always") == true)
    }

    @Test func clashesAreRefused() throws {
        for flags in [["--reuse", "never", "--reuse-from", "x"], ["--reuse", "auto", "--via", "batch"]] {
            #expect(throws: RetortError.self) {
                try settings(["in", "--out", "o", "--model", "m", "--base-url", "https://api.openai.com/v1"] + flags)
            }
        }
        #expect(throws: RetortError.self) { try plan(Self.rows, "--reuse-from", folder.path + "/nothing") }
    }

    /// An answer is rebuilt from a record, by the rules of the run that reuses it.
    @Test func aRecordIsAnAnswerAgain() throws {
        let root = folder.path + "/old"
        let settings = try settings("in", "--out", root, "--simulate")
        let job = JobDescription(settings)
        let store = try RecordStore.create(
            root, job: job.values, failureClasses: RecordCodec.failureClasses, tallies: RecordTallies.names)
        let answer = ModelAnswer(
            body: [], responseRaw: Array(#""tea \"é\"""#.utf8)[...], reasoningRaw: Array(#""why""#.utf8)[...],
            finishReason: "stop", modelRaw: Array(#""m""#.utf8)[...], usage: TokenUsage(prompt: 3, completion: 5),
            otherRaw: Array(#"{"logprobs":{"a":1}}"#.utf8)[...])
        let context = ItemContext(
            key: RecordKey("a"), row: 0, fingerprint: 77, asked: AskedText.none, metadata: Array("{}".utf8),
            request: ModelRequest(path: "/", body: []))
        _ = try store.append([
            RecordCodec(keepsBody: false).record(
                Outcome(
                    context: context, result: .answer(answer), attempts: 1, latency: .zero,
                    finishedAt: Instant(nanoseconds: 0)))
        ])
        try store.close()
        let record = try #require(try StoreReader(root).record(RecordKey("a")))
        let again = try #require(
            StoredAnswer(record).answer(from: "old", Classifier(), needsVerdict: false, with: JSONParser()))
        #expect(again.responseRaw == answer.responseRaw && again.reasoningRaw == answer.reasoningRaw)
        #expect(again.finishReason == "stop" && again.modelRaw == answer.modelRaw && again.reusedFrom == "old")
        #expect(again.otherRaw.map(Array.init) == Array(#"{"logprobs":{"a":1}}"#.utf8))
        #expect(again.usage.total == 0 && Bill(again).nanodollars(at: nil) == 0)
        // Not reused: an answer that this run would reject, or that no verifier has judged.
        let strict = Classifier(rejectedFinishReasons: ["stop"])
        #expect(StoredAnswer(record).answer(from: "old", strict, needsVerdict: false, with: JSONParser()) == nil)
        #expect(StoredAnswer(record).answer(from: "old", Classifier(), needsVerdict: true, with: JSONParser()) == nil)
    }
}
