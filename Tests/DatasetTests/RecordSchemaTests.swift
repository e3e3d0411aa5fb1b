import Basics
import JSONText
import ModelAPI
import PromptSource
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset

/// Every record of a lane has the same members of the same types, whatever the request and the answer: readers that
/// give a column one type must be able to load every store.
@Suite struct RecordSchemaTests {
    private let parser = JSONParser()

    private static let shapes: [PromptRow.Shape] = [
        .chat(messages: #"[{"role":"user","content":"x"}]"#.token),
        .chat(
            messages:
                #"[{"role":"assistant","content":null,"tool_calls":[{"id":"c"}]},{"role":"tool","tool_call_id":"c"}]"#
                .token),
        .chat(messages: #"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}]"#.token),
        .prompt(#""half \ud83d""#.token),
        .fill(prefix: #""a""#.token, suffix: #""b\udc00""#.token),
        .batch(url: nil, body: #"{"messages":[],"tools":[{"type":"function"}]}"#.token),
        .batch(url: nil, body: #"{"prompt":["a",1]}"#.token),
        .batch(url: nil, body: #"{"input":"x","instructions":null}"#.token),
        .batch(url: nil, body: #"{}"#.token),
        .batch(url: nil, body: #"{"messages":[7,{"role":5,"content":{"a":1}}]}"#.token),
    ]

    private static let answers = [
        ModelAnswer(body: []),
        ModelAnswer(
            body: Array("{\"a\":\n1}".utf8), responseRaw: #""\ud800 yes\u0000""#.token,
            reasoningRaw: #""\uDFFF""#.token,
            toolCallsRaw: #"[{"id":"\ud83d"}]"#.token, finishReason: "length", modelRaw: #""m\ud83d""#.token),
    ]

    private func context(_ asked: [UInt8], price: TokenPrice? = nil) -> ItemContext {
        ItemContext(
            key: RecordKey("q"), row: 1, fingerprint: 2, asked: asked, metadata: Array(#"{"k":"\ud83d"}"#.utf8),
            request: ModelRequest(path: "/x", body: Array(#"{"a":"\ud83d"}"#.utf8)), price: price)
    }

    private func outcome(_ result: OutcomeResult, _ context: ItemContext) -> Outcome<ItemContext> {
        Outcome(
            context: context, result: result, attempts: 1, latency: .milliseconds(5),
            finishedAt: Instant(nanoseconds: 0))
    }

    private func check(_ record: NewRecord, _ lane: Lane) throws {
        #expect(!JSONString.hasLoneSurrogate(record.members[...]))
        let root = try parser.parse([0x7B] + record.members + [0x7D]).root
        let members = RecordMember.members(of: lane)
        #expect(root.members.map { $0.key.string } == members.map { "\($0.name)" })
        for member in members {
            let value = try #require(root[member.name])
            switch member.type {
            case .text: #expect(value.kind == .string, "\(member)")
            case .jsonText:
                let text = try #require(value.stringBytes)
                #expect(text.isEmpty || (try? JSONParser().parse(text)) != nil, "\(member)")
            case .integer: #expect(value.int != nil, "\(member)")
            case .number: #expect(value.double != nil, "\(member)")
            case .boolean: #expect(value.bool != nil, "\(member)")
            case .dollars: #expect(value.kind == .null || value.raw.contains(UInt8(ascii: ".")))
            case .usage:
                #expect(value.members.map { $0.key.string } == UsageMember.allCases.map { "\($0.name)" })
            case .request:
                #expect(value.members.map { $0.key.string } == RequestMember.allCases.map { "\($0.name)" })
                #expect(value.members.allSatisfy { $0.value.kind == .string })
            case .turns:
                #expect(!value.elements.isEmpty)
                for turn in value.elements {
                    #expect(turn.members.map { $0.key.string } == ["role", "content"])
                    #expect(turn.members.allSatisfy { $0.value.kind == .string })
                }
            }
        }
    }

    @Test(arguments: shapes) func everyRecordHasEveryMember(shape: PromptRow.Shape) throws {
        let codec = RecordCodec(keepsBody: true)
        for endpoint in RequestBuilder.Endpoint.allCases {
            let asked = AskedText.members(shape, endpoint: endpoint, with: parser)
            for price in [nil, TokenPrice.free] {
                for answer in Self.answers {
                    try check(codec.record(outcome(.answer(answer), context(asked, price: price))), .responses)
                }
            }
            let failure = ItemFailure(.server, "no", status: 500, body: [0xED, 0xA0, 0x80, 0xFF, 0])
            try check(codec.record(outcome(.failure(failure), context(asked))), .failures)
            for answer in Self.answers {
                var failure = failure
                failure.answer = answer
                let round = ItemRound(number: 1, request: ModelRequest(path: "/x", body: []), failure: failure)
                try check(codec.record(outcome(.round(round), context(asked))), .rounds)
            }
        }
        let opinion = ItemOpinion(
            verifier: "tests", round: 3, pass: true, score: .nan, feedback: "a\n\u{1}\u{2028}",
            details: Array("[1]".utf8))
        try check(codec.record(outcome(.opinion(opinion), context(AskedText.none))), .verdicts)
    }

    @Test func namesOfVerdictsAreBoundedAndTellTheRound() {
        #expect(RecordCodec.verdictName("tests", round: 0) == "tests")
        #expect(RecordCodec.verdictName("tests", round: 12) == "tests/12")
        #expect(RecordCodec.verdictName("", round: 0) == "verifier")
        #expect(RecordCodec.verdictName("a\nb", round: 0) == "a b")
        let long = RecordCodec.verdictName(String(repeating: "é", count: 400), round: .max)
        #expect(long.utf8.count <= StoreLimits.verifierBytesMax && long.hasSuffix("/4294967295"))
    }

    @Test func aTextThatIsNoUTF8IsKeptBesidesAsItCame() throws {
        let codec = RecordCodec(keepsBody: false)
        let record = codec.record(outcome(.answer(Self.answers[1]), context(AskedText.none)))
        let view = RecordView(try parser.parse([0x7B] + record.members + [0x7D]).root)
        #expect(view.text(.response) == "\u{FFFD} yes\0")
        let other = try parser.parse(view.json(.other)).root
        #expect(other["response_as_received"]?.raw == #""\ud800 yes\u0000""#.token)
        #expect(other["reasoning_as_received"]?.raw == #""\uDFFF""#.token)
        #expect(codec.replaced.withLock { $0 } == 1)
    }

    @Test func turnsThatAreMoreThanTextAreKeptAsSent() throws {
        func view(_ shape: PromptRow.Shape) throws -> RecordView {
            let asked = AskedText.members(shape, endpoint: .chat, with: parser)
            return RecordView(try JSONParser().parse([0x7B] + asked + [0x7D]).root)
        }
        for shape in [Self.shapes[1], Self.shapes[2]] {
            guard case .chat(let messages) = shape else { continue }
            #expect(try view(shape).turns == messages)
            #expect(try view(shape).json(.messagesJSON)[...] == messages)
        }
        let plain = try view(Self.shapes[0])
        #expect(plain.json(.messagesJSON).isEmpty)
        #expect(plain.turns == #"[{"role":"user","content":"x"}]"#.token)
        #expect(try view(Self.shapes[4]).isCompletion)
        #expect(
            try view(.batch(url: nil, body: #"{"messages":[],"tools":[1]}"#.token)).json(.tools) == Array("[1]".utf8))
        let system = try view(
            .batch(url: nil, body: #"{"system":"S","messages":[{"role":"user","content":"x"}]}"#.token))
        #expect(system.turns == #"[{"role":"system","content":"S"},{"role":"user","content":"x"}]"#.token)
    }

    @Test func earlierRecordsAreReadThroughTheSameView() throws {
        let old = RecordView(
            try parser.parse(
                #"{"id":"a","messages":[{"role":"user","content":null}],"response":"r","tool_calls":"[1]","#
                    + #""cost_usd":0.5,"metadata":{"k":1},"request":{"path":"/p","body":{"m":1}}}"#
            ).root)
        #expect(LivingFixture.text(old.metadata) == #"{"k":1}"#)
        #expect(old.cost == 500_000_000)
        #expect(old.request.map { LivingFixture.text($0.body) } == #"{"m":1}"#)
        #expect(old.isAnswered && !old.isCompletion)
        #expect(
            LivingFixture.text(AskedText.members(of: old, with: JSONParser()))
                == #""messages":[{"role":"user","content":""}],"messages_json":"[{\"role\":\"user\",\"content\":null}]","#
                + #""prompt":"","suffix":"","tools":"""#)
        let fill = RecordView(try parser.parse(#"{"prompt":"a","suffix":"b"}"#).root)
        #expect(fill.isCompletion)
        #expect(
            LivingFixture.text(AskedText.members(of: fill, with: JSONParser()))
                == #""messages":[{"role":"user","content":"a"}],"messages_json":"","prompt":"a","suffix":"b","tools":"""#
        )
    }
}

/// Turns that a record copies byte for byte, and those that it must not copy.
@Suite struct PlainTurnsTests {
    @Test(arguments: [
        #"[{"role":"user","content":"x"}]"#, #"[ {"role" : "user", "content":"a\"b\\"} ,{"role":"a","content":""} ]"#,
        #"[{"role":"user","content":"\u00e9\n"}]"#,
    ]) func recognised(turns: String) { #expect(PlainTurns.recognises(turns.token)) }

    @Test(arguments: [
        "[]", "{}", "", "[", #"[{"role":"user","content":"x"#, #"[{"role":"user","content":"x\"#,
        #"[{"role":"user","content":null}]"#, #"[{"content":"x","role":"user"}]"#,
        #"[{"role":"user","content":"x","name":"n"}]"#, #"[{"role":"user","content":[]}]"#,
        "[{\"role\":\"user\",\n\"content\":\"x\"}]", #"[{"role":"user","content":"\ud83d"}]"#,
        #"[{"role":"user","content":"x"}] "#, #"[{"role":"user","content":"x"},]"#,
    ]) func refused(turns: String) { #expect(!PlainTurns.recognises(turns.token)) }
}

@Suite struct CostColumnTests {
    private func form(_ costs: [Int?], then cost: Int?, bytes: Int = 10) -> CostColumn.Form {
        let column = CostColumn()
        for cost in costs { _ = column.form(of: cost, bytes: bytes) }
        return column.form(of: cost, bytes: bytes)
    }

    @Test func aStoreThatBeginsWithUnknownCostsKeepsNulls() {
        let unknown = [Int?](repeating: nil, count: CostColumn.State.recordsMax)
        #expect(form(unknown, then: 5) == .besides)
        #expect(form(Array(unknown.dropLast()), then: 5) == .member)
        #expect(form([nil, 1] + unknown, then: 5) == .member)
        #expect(form([nil], then: 5, bytes: CostColumn.State.bytesMax) == .besides)
    }

    @Test func theCostIsReadFromWhereItIs() throws {
        var other = OtherParts()
        other.add(.response, #""\ud800""#.token)
        other.add(cost: 1_500_000)
        #expect(OtherParts.cost(in: other.json) == 1_500_000)
        #expect(try JSONParser().parse(other.json).root["response_as_received"]?.raw == #""\ud800""#.token)
        var forged = OtherParts()
        forged.add(object: #"{"cost_usd":9.5,"x":1}"#.token)
        #expect(OtherParts.cost(in: forged.json) == nil)
        #expect(OtherParts().json.isEmpty)
    }
}

@Suite struct LoneSurrogateTests {
    private func replaced(_ token: String) -> String {
        var output: [UInt8] = []
        let count = JSONString.appendReplacingLoneSurrogates(token.token, to: &output)
        #expect((count > 0) == JSONString.hasLoneSurrogate(token.token))
        return LivingFixture.text(output)
    }

    @Test func halvesAreReplacedAndPairsAreNot() {
        #expect(replaced(#""\ud83d\ude00""#) == #""\ud83d\ude00""#)
        #expect(replaced(#""\uD83Dx""#) == "\"\u{FFFD}x\"")
        #expect(replaced(#""\ude00\ud83d""#) == "\"\u{FFFD}\u{FFFD}\"")
        #expect(replaced(#""\ud83d\ud83d\ude00""#) == "\"\u{FFFD}" + #"\ud83d\ude00""#)
        #expect(replaced(#""\\ud83d""#) == #""\\ud83d""#)
        #expect(replaced(#""\\\ud83d\\""#) == #""\\"# + "\u{FFFD}" + #"\\""#)
        #expect(replaced(#""\ud7ff\ue000""#) == #""\ud7ff\ue000""#)
        #expect(replaced(#""\ud83d"#) == "\"\u{FFFD}")
        #expect(replaced("") == "")
    }
}

extension String {
    fileprivate var token: ArraySlice<UInt8> { Array(utf8)[...] }
}
