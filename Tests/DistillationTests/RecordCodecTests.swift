import Basics
import JSONText
import ModelAPI
import PromptSource
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// The lines of records, byte for byte: the readers of a dataset depend on them.
@Suite struct RecordCodecTests {
    private let item = Item(
        request: ModelRequest(path: "/chat/completions", body: Array("{\n\"model\":\"m\"}".utf8)),
        context: ItemContext(
            key: RecordKey("q-1"), row: 4, fingerprint: 0xABC, asked: Array((Self.asked + Self.notAsked).utf8),
            metadata: Array(#"{"level":1.50}"#.utf8),
            request: ModelRequest(path: "/chat/completions", body: Array("{\n\"model\":\"m\"}".utf8))))

    private static let asked = #""messages":[{"role":"user","content":"why"}]"#
    private static let notAsked = #","messages_json":"","prompt":"","suffix":"","tools":"""#

    private func codec(keepsBody: Bool = false) -> RecordCodec {
        RecordCodec(keepsBody: keepsBody, now: { 1_700_000_000 })
    }

    private func text(_ record: NewRecord) -> String { String(decoding: record.members, as: UTF8.self) }

    @Test func success() {
        let answer = ModelAnswer(
            body: Array("{\"a\":\n1}".utf8), responseRaw: #""yes\u2028""#.bytes, reasoningRaw: #""why""#.bytes,
            finishReason: "length", modelRaw: #""m-2""#.bytes,
            usage: TokenUsage(prompt: 10, completion: 20, reasoning: 5, cached: 3))
        let record = codec(keepsBody: true).record(outcome(.answer(answer), of: item, attempts: 2))
        #expect(record.status == .ok && record.attempts == 2 && record.row == 4 && record.fingerprint == 0xABC)
        #expect(
            text(record) == Self.asked + Self.notAsked
                + #","response":"yes\u2028","reasoning":"why","value":"","value_found":"","tool_calls":"","#
                + #""finish_reason":"length","model":"m-2","usage":{"prompt_tokens":10,"completion_tokens":20,"#
                + #""reasoning_tokens":5,"cached_tokens":3},"cost_usd":null,"prices":"","#
                + #""rounds":1,"rounds_cost_usd":null,"verdict":"","latency_ms":812,"created":1700000000,"#
                + #""metadata":"{\"level\":1.50}","other":"","body":"{\"a\":\n1}""#)
        #expect(record.tallies == Tallies([10, 20, 5, 3, 812, 1]))
    }

    @Test func anAnswerThatSaysLittle() {
        let record = codec().record(outcome(.answer(ModelAnswer(body: [])), of: item))
        #expect(
            text(record) == Self.asked + Self.notAsked
                + #","response":"","reasoning":"","value":"","value_found":"","tool_calls":"","#
                + #""finish_reason":"","model":"","#
                + #""usage":{"prompt_tokens":0,"completion_tokens":0,"reasoning_tokens":0,"cached_tokens":0},"#
                + #""cost_usd":null,"prices":"","rounds":1,"rounds_cost_usd":null,"verdict":"","#
                + #""latency_ms":812,"created":1700000000,"metadata":"{\"level\":1.50}","#
                + #""other":"","body":"""#)
    }

    @Test func toolCallsAreAString() {
        let answer = ModelAnswer(body: [], toolCallsRaw: #"[{"id":"c"}]"#.bytes)
        #expect(
            text(codec().record(outcome(.answer(answer), of: item))).contains(#","tool_calls":"[{\"id\":\"c\"}]","#))
    }

    private static let unbilled =
        #","usage":{"prompt_tokens":0,"completion_tokens":0,"reasoning_tokens":0,"cached_tokens":0},"cost_usd":null,"prices":"","#
        + #""rounds":0,"rounds_cost_usd":null,"verdict":"""#

    @Test func aFailureSaysWhatItsAnswerHasCost() throws {
        let usage = TokenUsage(prompt: 10, completion: 20, reasoning: 5, cached: 3)
        var failed = ItemFailure(.invalidOutput, "no", status: 200, bill: Bill(usage: usage))
        var priced = item
        priced.context = ItemContext(
            key: item.context.key, row: 0, fingerprint: 0, asked: item.context.asked, metadata: item.context.metadata,
            request: item.context.request, price: Self.price)
        func view() throws -> RecordView {
            let record = codec().record(outcome(.failure(failed), of: priced))
            let line = Array(#"{"id":"q","status":"failed","#.utf8) + record.members + Array("}".utf8)
            #expect(RecordTallies.recounter()(line) == record.tallies)
            return RecordView(try JSONParser().parse(line).root)
        }
        #expect(try view().cost == 47_000)
        #expect(try view().usage(.completion) == 20)
        failed.bill = nil
        #expect(try view().cost == 0)
        // Its cost is unknown.
        failed.bill = Bill()
        #expect(try view().cost == nil)
    }

    private static let price = TokenPrice(input: 1, cachedInput: 0, output: 2)

    /// A judged answer is in rounds/ too; its cost counts once.
    @Test func whatAJudgedAnswerHasCostCountsOnce() throws {
        let context = ItemContext(
            key: item.context.key, row: 0, fingerprint: 0, asked: item.context.asked, metadata: item.context.metadata,
            request: item.context.request, price: Self.price)
        let answer = ModelAnswer(body: [], usage: TokenUsage(prompt: 10, completion: 20))
        func record(_ result: OutcomeResult, rounds: RoundsSoFar) throws -> (NewRecord, RecordView) {
            let record = codec().record(
                Outcome(
                    context: context, result: result, attempts: 1, latency: .zero, finishedAt: Instant(nanoseconds: 0),
                    rounds: rounds))
            let status = record.status == .round ? "round" : record.status == .ok ? "ok" : "failed"
            let line = Array(#"{"id":"q","status":"\#(status)","#.utf8) + record.members + Array("}".utf8)
            #expect(RecordTallies.recounter()(line) == record.tallies)
            return (record, RecordView(try JSONParser().parse(line).root))
        }
        let failure = ItemFailure(.verifier, "not judged yet", status: 200, answer: answer, bill: Bill(answer))
        let request = ModelRequest(path: "/x", body: Array("{}".utf8))
        let round = ItemRound(number: 2, request: request, isUnjudged: true, failure: failure)
        let (kept, ofRound) = try record(.round(round), rounds: RoundsSoFar(count: 2, nanodollars: 90_000))
        #expect(kept.key.part == .round(2) && ofRound.cost == 50_000 && ofRound.text(.roundClass) == "unjudged")
        let judged = answer.with(verdict: Array(#"{"pass":true}"#.utf8)[...])
        let (outcome, view) = try record(.answer(judged), rounds: RoundsSoFar(count: 2, nanodollars: 90_000))
        #expect(view.cost == 50_000 && view.integer(.rounds) == 2 && view.isInRounds)
        #expect(view.member(.roundsCost)?.double == 0.00009)
        let (plain, first) = try record(.answer(answer), rounds: RoundsSoFar())
        #expect(first.integer(.rounds) == 1 && first.member(.roundsCost)?.double == 0.00005 && !first.isInRounds)

        let once = Spending(responses: outcome.tallies, failures: Tallies(), rounds: kept.tallies)
        #expect(once.answers == 50_000 && once.rounds == 0 && once.recorded == 50_000)
        let twice = Spending(responses: plain.tallies, failures: Tallies(), rounds: kept.tallies)
        #expect(twice.answers == 50_000 && twice.rounds == 50_000)
    }

    @Test func failure() {
        let failed = ItemFailure(.server, "it broke", status: 503, body: [0x22, 0xFF, 0x0A])
        let record = codec().record(outcome(.failure(failed), of: item, attempts: 5))
        #expect(
            text(record) == Self.asked + Self.notAsked + Self.unbilled
                + #","error":"it broke","http_status":503,"body":"\""#
                + "\u{FFFD}" + #"\n","latency_ms":812,"created":1700000000,"#
                + #""request":{"path":"/chat/completions","body":"{\n\"model\":\"m\"}"},"metadata":"{\"level\":1.50}""#)
    }

    @Test(arguments: FailureClass.allCases) func everyClassHasItsName(failureClass: FailureClass) {
        let record = codec().record(outcome(.failure(ItemFailure(failureClass, "no")), of: item))
        guard case .failed(let index) = record.status else { return #expect(Bool(false), "not a failure") }
        #expect(RecordCodec.failureClasses[Int(index)] == failureClass.rawValue)
    }

    @Test func badRow() throws {
        let row = Row(number: 9, file: 0, line: 10, byteOffset: 0, content: .json(Array("{\"x\":\t1".utf8)))
        let error = RetortError(.badInput, "the row is not JSON", at: "in.jsonl:10:8", remedy: "Mend it.")
        let record = codec().record(badRow: row, error, key: RecordKey("bad-1", sample: 2))
        #expect(record.row == 9 && record.attempts == 0 && record.key.sample == 2)
        #expect(
            text(record) == #""messages":[{"role":"user","content":""}]"# + Self.notAsked + Self.unbilled
                + #","error":"in.jsonl:10:8: the row is not JSON. Mend it.","http_status":0,"#
                + #""body":"{\"x\":\t1","latency_ms":0,"created":1700000000,"request":{"path":"","body":"{}"},"#
                + #""metadata":"{}""#)
    }

    @Test func talliesAreReadBackFromTheLine() {
        let answer = ModelAnswer(
            body: [], finishReason: "length", usage: TokenUsage(prompt: 10, completion: 20, reasoning: 5, cached: 3))
        let record = codec().record(outcome(.answer(answer), of: item))
        let line = Array(#"{"id":"q","status":"ok","#.utf8) + record.members + Array("}".utf8)
        #expect(RecordTallies.recounter()(line) == record.tallies)
    }

    @Test func whatWasAskedStandsOnOneLine() {
        let parser = JSONParser()
        func members(_ shape: PromptRow.Shape, _ endpoint: RequestBuilder.Endpoint = .chat) -> String {
            String(decoding: AskedMembers.members(shape, endpoint: endpoint, with: parser), as: UTF8.self)
        }
        #expect(members(.chat(messages: "[\r{}]".bytes)) == #""messages":[ {}]"#)
        #expect(members(.prompt(#""x""#.bytes)) == #""messages":[{"role":"user","content":"x"}]"#)
        #expect(members(.prompt(#""x""#.bytes), .completions) == #""prompt":"x""#)
        #expect(members(.fill(prefix: #""a""#.bytes, suffix: #""b""#.bytes)) == #""prompt":"a","suffix":"b""#)
        #expect(members(.batch(url: nil, body: #"{"messages":[1]}"#.bytes)) == #""messages":[1]"#)
        #expect(members(.batch(url: nil, body: #"{"input":[1]}"#.bytes)) == #""prompt":{"input":[1]}"#)
    }
}

extension String {
    fileprivate var bytes: ArraySlice<UInt8> { Array(utf8)[...] }
}
