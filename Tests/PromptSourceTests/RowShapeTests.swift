import Basics
import Testing

@testable import PromptSource

/// The formats of common datasets, and request members of rows.
@Suite struct RowShapeTests {
    private func members(_ json: String, only labels: [String] = []) throws -> [String] {
        let parser = PromptParser(try InputSet.resolve(["-"]), metadataOnly: labels)
        let row = Row(number: 0, file: 0, line: 1, byteOffset: 0, content: .json(Array(json.utf8)))
        return try parser.parse(row).members.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
    }

    private let hi = #"[{"role":"user","content":"hi"}]"#

    @Test func whatARowSaysIsSentAndKept() throws {
        let row =
            #"{"prompt":"x","temperature":0.2,"max_tokens":100.0,"tools":[{"type":"function"}],"stop":"E","n":1,"k":1}"#
        #expect(
            try members(row)
                == ["temperature=0.2", "max_tokens=100", #"stop="E""#, #"tools=[{"type":"function"}]"#])
        #expect(try readable(row).metadata == "{" + row.dropFirst(#"{"prompt":"x","#.count))
        #expect(try members(row, only: ["temperature", "tools", "stop"]) == ["max_tokens=100"])
        #expect(try members(#"{"prompt":"x","tools":[],"model":null,"stop":[]}"#).isEmpty)
        #expect(try members(#"{"prompt":"x","tools":"[{\"a\":1}]"}"#) == [#"tools=[{"a":1}]"#])
    }

    @Test(arguments: [
        (#"{"prompt":"x","temperature":"hot"}"#, 29), (#"{"prompt":"x","max_tokens":0}"#, 28),
        (#"{"prompt":"x","tools":{}}"#, 23), (#"{"prompt":"x","model":5}"#, 23), (#"{"prompt":"x","stop":[1]}"#, 22),
        (#"{"prompt":"x","n":3}"#, 19), (#"{"prompt":"x","seed":1.5}"#, 22),
        (#"{"prompt":"x","response_format":"j"}"#, 33),
        (#"{"custom_id":"a","body":{"n":2,"messages":[]}}"#, 30), (#"{"prompt":"x","system":1}"#, 24),
        (#"{"prompt":"x","parallel_tool_calls":1}"#, 37), (#"{"prompt":"x","temperature":NaN}"#, 29),
    ]) func wrongTypesAreNamedByColumn(json: String, column: Int) throws {
        let error = try #require(try fault(Array(json.utf8)))
        #expect(error.place == "standard input:7:\(column)", "\(error)")
    }

    @Test func aSystemTextIsATurn() throws {
        #expect(
            try readable(#"{"system":"s","prompt":"p","k":1}"#)
                == Readable(
                    id: nil, shape: #"chat [{"role":"system","content":"s"},{"role":"user","content":"p"}]"#,
                    metadata: #"{"k":1}"#))
        #expect(
            try readable(#"{"system":"s","messages":\#(hi)}"#).shape
                == #"chat [{"role":"system","content":"s"},{"role":"user","content":"hi"}]"#)
        #expect(try fault(Array(#"{"system":"s","messages":[{"role":"system","content":"t"}]}"#.utf8)) != nil)
        #expect(try fault(Array(#"{"system":"s","messages":[{"role":"system","content":"s"}]}"#.utf8)) == nil)
    }

    @Test func dataSetsComeInManyShapes() throws {
        #expect(try readable(#"{"prompt":\#(hi),"completion":[]}"#).shape == "chat " + hi)
        #expect(try readable(#"{"prompt":"a","suffix":"b"}"#).shape == #"fill "a" "b""#)
        #expect(try readable(#"{"prompt":"a","suffix":""}"#).shape == #"prompt "a""#)
        #expect(
            try readable(#"{"messages":"[{\"role\":\"user\",\"content\":\"hi\"}]"}"#).shape == "chat " + hi)
        let talk = #"{"conversations":[{"from":"human","value":"hi"},{"from":"gpt","value":"ho"}]}"#
        #expect(try readable(talk) == Readable(id: nil, shape: "chat " + hi, metadata: talk))
        #expect(
            try readable(#"{"conversations":[{"from":"human","value":"hi"}]}"#)
                == Readable(id: nil, shape: "chat " + hi, metadata: "{}"))
        #expect(try fault(Array(#"{"conversations":[{"from":"gpt","value":"x"}]}"#.utf8)) != nil)
        #expect(
            try readable(#"{"custom_id":"a","params":{"model":"m"}}"#)
                == Readable(id: "a", shape: #"batch /v1/messages {"model":"m"}"#, metadata: "{}"))
    }

    @Test func notANumberIsNullInTheMetadata() throws {
        #expect(
            try readable(#"{"prompt":"NaN","score":NaN,"a":[-Infinity, Infinity]}"#).metadata
                == #"{"score":null,"a":[null     , null    ]}"#)
        #expect(try fault(Array(#"{"messages":[{"role":"user","content":"x","w":NaN}]}"#.utf8)) != nil)
        #expect(try fault(Array(#"{"prompt":"x","a":NaN,"b":nope}"#.utf8))?.place == "standard input:7:27")
    }

    @Test(arguments: [#"{"topic":"t"}"#, #""{\"topic\":\"t\"}""#]) func recordsKeepOneLevelOfMetadata(
        metadata: String
    ) throws {
        func record(_ sample: Int) -> String {
            #"{"id":"q","sample":\#(sample),"status":"ok","attempts":1,"row":0,"fingerprint":"0123456789abcdef","messages":"#
                + hi + #","messages_json":"","prompt":"","suffix":"","tools":"","response":"r","model":"m","metadata":"#
                + metadata + "}"
        }
        let first = try readable(record(0))
        #expect(first == Readable(id: "q", shape: "chat " + hi, metadata: #"{"topic":"t"}"#))
        #expect(try readable(record(1)).id == "q#1")
        #expect(try members(record(0)).isEmpty)
        let template = try Template.parse("{{response}} {{metadata.topic}}")
        #expect(try readable(record(0), template: template).shape == #"prompt "r t""#)
    }

    @Test func aTemplateSaysWhatIsMissing() throws {
        let parser = PromptParser(try InputSet.resolve(["-"]), template: try Template.parse("{{a}} {{nosuch}}"))
        let row = Row(number: 0, file: 0, line: 1, byteOffset: 0, content: .json(Array(#"{"a":1,"b":2}"#.utf8)))
        let found = try #require(parser.missingFields(of: row))
        #expect(found.missing == ["nosuch"] && found.present == "a, b")
    }

    @Test(arguments: ["x {% if a %}", "{%- for x in y %}", "a\n{% set x = 1 %}"]) func statementsAreRefused(
        text: String
    ) throws {
        #expect(throws: RetortError.self) { try Template.parse(text) }
        #expect(throws: Never.self) { try Template.parse("100{% off") }
    }
}
