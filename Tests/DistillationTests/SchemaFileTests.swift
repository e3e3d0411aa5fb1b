import Basics
import RunTestSupport
import SegmentStore
import Testing

@testable import Dataset
@testable import Distillation

/// Users' schemas: one that cannot judge any answer is refused before anything is paid.
@Suite struct SchemaFileTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    @Test(arguments: [
        (#"{"name":"x","strict":true,"schema":{"type":"object"}}"#, "response_format around"),
        (#"{"type":"json_schema","json_schema":{"name":"x","schema":{}}}"#, "response_format around"),
        ("false", "no value fits"), (##"{"$ref":"#"}"##, "no answer can be checked"),
        (
            ##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"allOf":[{"$ref":"#/$defs/a"}]}}}"##,
            "no answer can"
        ),
    ]) func whatJudgesNothingIsRefused(schema: String, message: String) throws {
        let path = try folder.write("s.json", schema)
        let error = try #require(failure { _ = try SchemaFile.load(path) })
        #expect(error.code == .badInput && error.message.contains(message) && error.remedy != nil)
    }

    @Test(arguments: [
        ##"{"type":"object","properties":{"n":{"$ref":"#"}}}"##, #"{"properties":{"schema":{},"name":{}}}"#, "true",
        "{}",
        ##"{"anyOf":[{"type":"integer"},{"$ref":"#"}]}"##,
    ]) func whatJudgesSomethingIsTaken(schema: String) throws {
        #expect(try SchemaFile.load(try folder.write("s.json", schema)) == Array(schema.utf8))
    }

    @Test func aByteOrderMarkIsNoPartOfIt() throws {
        #expect(try SchemaFile.load(try folder.write("s.json", "\u{FEFF}{}")) == Array("{}".utf8))
    }

    @Test func theSameSchemaInAnotherSpellingIsTheStores() throws {
        let first = try folder.write("a.json", #"{"type":"object","required":["a"]}"#)
        let second = try folder.write("b.json", "{ \"required\": [\"\\u0061\"],\n \"type\": \"object\" }")
        let other = try folder.write("c.json", #"{"type":"object","required":["b"]}"#)
        let plant = try Plant("--schema", first, in: folder)
        try plant.settings.check?.note(in: plant.store)
        func job(_ schema: String) throws -> [String: String] {
            let settings = try settings("in.jsonl", "--out", folder.path + "/out", "--simulate", "--schema", schema)
            return JobDescription(settings).adopting(plant.store.manifest).values
        }
        #expect(try job(second) == plant.store.manifest.job)
        #expect(try job(other) != plant.store.manifest.job)
        try plant.store.close()
    }

    @Test func correctionsNeedAConversation() throws {
        let words = ["in.jsonl", "--out", "x", "--simulate", "--json", "--corrections", "2", "--endpoint"]
        #expect(try settings(words + ["chat"]).repliesMax == 3)
        #expect(failure { _ = try settings(words + ["completions"]) }?.message.contains("needs a conversation") == true)
        #expect(try settings(words + ["chat", "--verifier", "json", "--rounds", "2"]).repliesMax == 6)
    }

    @Test func anEmptyBaseURLIsRefused() throws {
        for text in ["", "  "] {
            let error = failure { _ = try settings("in.jsonl", "--out", "x", "--model", "m", "--base-url", text) }
            #expect(error?.message == "--base-url is empty")
        }
    }
}
