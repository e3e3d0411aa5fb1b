import Basics
import CommandLine
import JSONText
import ModelAPI
import ResponseGenerator
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// `retort check`: stored answers and failures judged again.
@Suite struct StoreCheckTests {
    private let folder: Folder
    private static let number = #"{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}"#
    private static let text = #"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#

    init() throws { folder = try Folder() }

    private var root: String { folder.path + "/out" }

    /// The body of an answer with that text.
    private func body(_ text: String) -> [UInt8] {
        var bytes = Array(#"{"choices":[{"message":{"content":"#.utf8)
        JSONString.append(text, to: &bytes)
        return bytes + Array(#"},"finish_reason":"stop"}],"model":"m"}"#.utf8)
    }

    /// A store of a run with that schema and these answers.
    private func fill(
        _ texts: [String], as form: ((String) -> [UInt8])? = nil, _ flags: String...
    ) throws {
        let plant = try Plant(flags: flags, in: folder)
        let rows = texts.indices.map { #"{"id":"q\#($0)","prompt":"ask \#($0)"}"# + "\n" }.joined()
        let items = try plant.plan(rows).items
        let recorder = Recorder(plant.store, codec: plant.codec, issued: plant.issued)
        var outcomes: [Outcome<ItemContext>] = []
        for (item, text) in zip(items, texts) {
            let body = (form ?? body)(text)
            let reply = ModelReply(status: 200, body: body)
            switch plant.settings.generator.classifier.classify(.success(reply), with: JSONParser()) {
            case .answer(let answer): outcomes.append(outcome(.answer(answer), of: item))
            default:
                var failure = ItemFailure(.invalidOutput, "does not fit", body: body)
                failure.status = 200
                outcomes.append(outcome(.failure(failure), of: item))
            }
        }
        _ = try recorder.accept(outcomes)
        try plant.store.close()
    }

    private func work(_ schema: String?, repairs: Bool = false) throws -> StoreCheck {
        let check = try AnswerCheck(schema: schema.map { Array($0.utf8) }, name: "s", repairs: repairs)
        let manifest = try #require(try RecordStore.manifest(of: root))
        return StoreCheck(root, check, job: StoredJob(values: manifest.job), pricing: .unknown)
    }

    private func schema(_ text: String) throws -> String { try folder.write("schema.json", text) }

    private func reader() throws -> StoreReader { try StoreReader(root, options: StoreAccess.options) }

    private func value(of id: String) throws -> String? {
        guard let record = try reader().record(RecordKey(id)), record.head.lane == .responses else { return nil }
        let view = RecordView(try JSONParser().parse(record.line).root)
        return view.text(.valueFound) + " " + view.text(.value)
    }

    private func expectClean() throws {
        let report = try StoreVerification.run(root, options: StoreAccess.options, deep: true)
        #expect(report.isClean, "\(report.problems)")
    }

    @Test func aStoreWithoutASchemaGetsItsValues() throws {
        try fill([#"{"a":1}"#, "Here: {\"a\": 2.0} as asked", "no", #"{"a":"x"}"#, #"[9] then {"a":3}"#])
        let dry = try work(Self.number).count()
        #expect(try value(of: "q0") == " ")
        let counts = try work(Self.number).apply()
        #expect(counts == dry)
        #expect(counts.fitting == ["whole": 1, "first": 1, "brackets": 1] && counts.revalued == 3 && counts.unfit == 2)
        #expect(counts.examples.first == "q2: the answer holds no JSON value")
        #expect(try value(of: "q0") == #"whole {"a":1}"# && value(of: "q1") == #"first {"a": 2.0}"#)
        #expect(try value(of: "q4") == #"brackets {"a":3}"#)
        #expect(try reader().lookup(RecordKey("q2")) == nil && reader().superseded(.responses).records == 2)
        let manifest = try reader().manifest
        #expect(try AnswerCheck(of: manifest)?.schema == Array(Self.number.utf8))
        #expect(manifest.job["answers"]?.hasPrefix("JSON, schema ") == true)
        try expectClean()
        // A second time nothing changes.
        let files = try PosixFileSystem().size(of: root + "/responses/000001.jsonl.gz")
        let generation = try reader().manifest.generation
        let again = try work(Self.number).apply()
        #expect(again.fits == 3 && again.revalued == 0 && again.unfit == 0)
        #expect(try PosixFileSystem().size(of: root + "/responses/000001.jsonl.gz") == files)
        #expect(try reader().manifest.generation == generation)
    }

    @Test func recordsAreTheSameButForTheirValue() throws {
        try fill([#"{"a":"é"} [1]"#], "--schema", try schema(Self.text))
        let before = try #require(try reader().record(RecordKey("q0"))).line
        let other = #"{"type":"array"}"#
        #expect(try work(other).apply().revalued == 1)
        let after = try #require(try reader().record(RecordKey("q0"))).line
        func without(_ line: [UInt8]) throws -> [String] {
            try JSONParser().parse(line).root.members.filter {
                !$0.key.isText("value") && !$0.key.isText("value_found")
            }
            .map { String(decoding: $0.value.raw, as: UTF8.self) }
        }
        #expect(try without(before) == without(after))
        #expect(try value(of: "q0") == "brackets [1]")
        #expect(try work(Self.text).apply().revalued == 1)
        #expect(try #require(try reader().record(RecordKey("q0"))).line == before)
    }

    @Test func failuresThatFitBecomeAnswers() throws {
        try fill([#"{"a":1}"#, #"{"a":"x"}"#, "nothing"], "--schema", try schema(Self.number))
        #expect(try reader().counters.failed == 2)
        let dry = try work(Self.text).count()
        let counts = try work(Self.text).apply()
        #expect(counts == dry && counts.recovered == 1 && counts.failed == 1 && counts.unfit == 1)
        #expect(try value(of: "q1") == #"whole {"a":"x"}"#)
        #expect(try reader().lookup(RecordKey("q0")) == nil)
        #expect(try reader().counters.done == 1 && reader().counters.failed == 1)
        let record = try #require(try reader().record(RecordKey("q1")))
        #expect(RecordView(try JSONParser().parse(record.line).root).integer(.created) == 1_700_000_000)
        try expectClean()
    }

    @Test func repairBelongsToTheJob() throws {
        let flags = ["--schema", try schema(Self.number)]
        try fill([#"{"a":1}"#, "{'a':2}", #"{"a":3"#], "--schema", flags[1])
        #expect(try reader().counters.failed == 2)
        let counts = try work(Self.number, repairs: true).apply()
        #expect(counts.recovered == 2 && counts.fitting == ["whole": 1])
        #expect(try value(of: "q1") == #"repaired {"a":2}"# && value(of: "q2") == #"repaired {"a":3}"#)
        let manifest = try reader().manifest
        #expect(try AnswerCheck(of: manifest)?.repairs == true)
        func job(_ more: [String] = []) throws -> JobDescription {
            try JobDescription(settings([folder.path + "/in.jsonl", "--out", root, "--simulate"] + flags + more))
                .adopting(manifest)
        }
        let error = failure { try job().check(against: manifest.job, at: root, onChange: .refuse) }
        #expect(error?.remedy?.contains("`retort check") == true)
        try job(["--repair-json"]).check(against: manifest.job, at: root, onChange: .refuse)
        // Back to the first schema: the repaired value does not match any more.
        let back = try work(Self.number).apply()
        #expect(back.unfit == 2 && back.fitting == ["whole": 1])
        #expect(try AnswerCheck(of: reader().manifest)?.repairs == false)
        try expectClean()
    }

    /// A response of OpenAI's Responses API with that text, or with a call of the answer's tool.
    private func responsesBody(_ text: String, isCall: Bool) -> [UInt8] {
        var token: [UInt8] = []
        JSONString.append(text, to: &token)
        let call = Array(#"{"type":"function_call","call_id":"c","name":"submit_answer","arguments":"#.utf8) + token
        let message =
            Array(#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"#.utf8) + token
            + Array("}]".utf8)
        return Array(#"{"object":"response","status":"completed","model":"m","output":["#.utf8)
            + (isCall ? call : message) + Array("}]}".utf8)
    }

    @Test(arguments: [false, true]) func answersOfTheResponsesAPIAreJudgedInTheirForm(isCall: Bool) throws {
        try fill(
            [#"{"a":1}"#, #"{"a":"x"}"#], as: { responsesBody($0, isCall: isCall) }, "--endpoint", "responses",
            "--schema", try schema(Self.number))
        #expect(try value(of: "q0") == #"whole {"a":1}"# && reader().counters.failed == 1)
        let counts = try work(Self.text).apply()
        #expect(counts.unfit == 1 && counts.recovered == 1 && counts.failed == 0)
        #expect(try value(of: "q0") == nil && value(of: "q1") == #"whole {"a":"x"}"#)
        // Nothing changes in that form or under that schema.
        let again = try work(Self.text).apply()
        #expect(again.fits == 1 && !again.changes)
        try expectClean()
    }

    @Test func anotherSchemaMakesNoRequestAnotherOne() throws {
        try fill([#"{"a":1}"#, #"{"a":"x"}"#], "--schema", try schema(Self.number))
        let changed = try schema(Self.text)
        let plant = { try Plant(flags: ["--schema", changed], in: self.folder) }
        // Refused, with advice on how to continue.
        let settings = try settings([folder.path + "/in.jsonl", "--out", root, "--simulate", "--schema", changed])
        let error = failure {
            try JobDescription(settings).check(against: try reader().manifest.job, at: root, onChange: .refuse)
        }
        #expect(error?.remedy?.hasPrefix("`retort check \(root) --schema \(changed)`") == true)
        _ = try work(Self.text).apply()
        try JobDescription(settings).check(against: try reader().manifest.job, at: root, onChange: .refuse)
        // The first row is pending, the second is done: neither request has changed.
        let planted = try plant()
        let planned = try planted.plan(try PosixFileSystem().text(of: folder.path + "/in.jsonl"))
        try planted.store.close()
        #expect(planned.ids == ["q0"] && planned.findings.changed == 0 && planned.findings.done == 1)
    }

    @Test func aRetryTellsOfTheStoresSchema() throws {
        let settings = try settings(["in", "--out", root, "--simulate", "--schema", try schema(Self.text)])
        let told = try #require(try ToldSchema(settings, stored: [:]))
        let old = try RunTestSupport.settings([
            "in", "--out", root, "--simulate", "--fields", "a:number",
        ])
        let request = try old.builder.request(.prompt(Array(#""hi""#.utf8)[...]))
        let applied = try #require(told.applied(to: request.body, with: JSONParser()))
        #expect(applied == (try settings.builder.request(.prompt(Array(#""hi""#.utf8)[...]))).body)
        #expect(told.applied(to: applied, with: JSONParser()) == nil)
        let own = Array(#"{"response_format":{"type":"json_schema","json_schema":{"name":"mine"}}}"#.utf8)
        #expect(told.applied(to: own, with: JSONParser()) == nil)
        #expect(try ToldSchema(settings, stored: ["response_format": "{}"]) == nil)
    }

    @Test func linesOfEarlierVersionsGetTheMembers() throws {
        try LivingFixture.makeStore(root, successes: [("old", #""prompt":"p","response":"{\"a\":1}","model":"m""#)])
        #expect(try work(Self.number).apply().revalued == 1)
        let line = try #require(try reader().record(RecordKey("old"))).line
        #expect(
            LivingFixture.text(line).hasSuffix(#""model":"m","value":"{\"a\":1}","value_found":"whole"}"#))
        try expectClean()
    }

    @Test func theTextSaysWhatHappens() {
        var counts = CheckCounts()
        counts.fitting = ["whole": 1200, "brackets": 3]
        counts.unfit = 1
        counts.examples = ["q: bad"]
        counts.recovered = 2
        let lines = CheckText(root: "a b", option: "--json", counts: counts, isDry: false).lines
        #expect(
            lines == [
                "fit        1,203 answers (1,200 whole, 3 brackets)",
                "unfit      1 answer moved to 'a b'/superseded; pending now", "           q: bad",
                "recovered  2 failed items became answers",
                "next       run the job again with --json to send the pending items",
            ])
        let dry = CheckText(root: "a", option: nil, counts: counts, isDry: true).lines
        #expect(dry.last?.hasPrefix("dry run") == true && dry[1].contains("would move to a/superseded"))
    }
}
