import Basics
import Testing

@testable import PromptSource

/// A prompt row in readable form.
struct Readable: Equatable {
    var id: String?
    var shape: String
    var metadata: String
}

/// Parses one row, which is line 7 of standard input.
func parse(_ json: [UInt8], template: Template? = nil) throws -> PromptRow {
    let input = try InputSet.resolve(["-"])
    return try PromptParser(input, template: template).parse(
        Row(number: 0, file: 0, line: 7, byteOffset: 0, content: .json(json)))
}

func readable(_ json: String, template: Template? = nil) throws -> Readable {
    func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
    let row = try parse(Array(json.utf8), template: template)
    let shape =
        switch row.shape {
        case .chat(let messages): "chat \(text(messages))"
        case .prompt(let prompt): "prompt \(text(prompt))"
        case .fill(let prefix, let suffix): "fill \(text(prefix)) \(text(suffix))"
        case .batch(let url, let body): "batch \(url ?? "-") \(text(body))"
        }
    return Readable(id: row.explicitID.map { text($0[...]) }, shape: shape, metadata: text(row.metadata[...]))
}

/// The error of a row.
func fault(_ json: [UInt8], template: Template? = nil) throws -> RetortError? {
    do {
        _ = try parse(json, template: template)
        return nil
    } catch let error as RetortError {
        return error
    }
}

@Suite struct PromptParserTests {
    @Test(arguments: [
        (#"{"prompt":"hi"}"#, Readable(id: nil, shape: #"prompt "hi""#, metadata: "{}")),
        (
            #" {"id" : "q-1", "prompt" : "a\u0062\/c" , "k" : 1.50e+2, "tags":[1, 2]} "#,
            Readable(id: "q-1", shape: #"prompt "a\u0062\/c""#, metadata: #"{"k":1.50e+2,"tags":[1, 2]}"#)
        ),
        (
            #"{"messages":[{"role":"user","content":"x"}],"uid":17,"prompt":"kept"}"#,
            Readable(
                id: "17", shape: #"chat [{"role":"user","content":"x"}]"#, metadata: #"{"prompt":"kept"}"#)
        ),
        (
            #"{"suffix":"b","prefix":"a","id":"\u00e9\n"}"#,
            Readable(id: "é\n", shape: #"fill "a" "b""#, metadata: "{}")
        ),
        (
            #"{"custom_id":"c","method":"POST","url":"/v1/chat/completions","body":{"m": 1},"id":"other","k":null}"#,
            Readable(
                id: "c", shape: #"batch /v1/chat/completions {"m": 1}"#, metadata: #"{"id":"other","k":null}"#)
        ),
        (#"{"custom_id":"c","body":{}}"#, Readable(id: "c", shape: "batch - {}", metadata: "{}")),
        (
            #"{"body":"text","prompt":"p"}"#,
            Readable(id: nil, shape: #"prompt "p""#, metadata: #"{"body":"text"}"#)
        ),
        (
            #"{"id":null,"custom_id":"","uid":-1.0,"prompt":"p","messages":null}"#,
            Readable(
                id: "-1.0", shape: #"prompt "p""#, metadata: #"{"id":null,"custom_id":"","messages":null}"#)
        ),
        (
            #"{"prompt":"first","pr\u006fmpt":"last"}"#, Readable(id: nil, shape: #"prompt "last""#, metadata: "{}")
        ),
    ]) func rowsBecomePrompts(json: String, expected: Readable) throws {
        #expect(try readable(json) == expected)
    }

    @Test func loneSurrogatesAndSeparatorsSurvive() throws {
        let row = try readable("{\"prompt\":\"\\ud83d|\\uDE00|\u{2028}\",\"x\":\"\\udfff\"}")
        #expect(row == Readable(id: nil, shape: "prompt \"\\ud83d|\\uDE00|\u{2028}\"", metadata: #"{"x":"\udfff"}"#))
    }

    @Test func aPairInAnIDIsOneCharacter() throws {
        #expect(try readable(#"{"id":"\ud83d\ude00","prompt":""}"#).id == "😀")
    }

    @Test func toolTurnsAreLegal() throws {
        let messages =
            #"[{"role":"assistant","tool_calls":[]},{"role":"assistant","content":null},{"role":"user","content":[{}]}]"#
        #expect(try readable(#"{"messages":"# + messages + "}").shape == "chat " + messages)
    }

    @Test(arguments: [
        (#"{"prompt":"a"#, "7:11", "not JSON"), (#"{"a":1,}"#, "7:8", "not JSON"), ("hello", "7:1", "not JSON"),
        ("{\"a\":\"x\ty\"}", "7:8", "not JSON"), (#"{"a":"\x"}"#, "7:7", "not JSON"), (#"{"a":01}"#, "7:6", "not JSON"),
        ("{}{}", "7:3", "not JSON"),
        (#"["a"]"#, "7:1", "an array, not a JSON object"), (#" "a""#, "7:2", "a string, not a JSON object"),
        (#"{"messages":{}}"#, "7:13", "messages is an object; expected an array"),
        (#"{"messages":[]}"#, "7:13", "messages is empty"),
        (#"{"messages":["x"]}"#, "7:14", "messages[0] is a string; expected an object"),
        (#"{"messages":[{"role":"user"},{"content":"x"}]}"#, "7:30", "messages[1] has no role"),
        (#"{"messages":[{"role":1}]}"#, "7:22", "the role of messages[0] is not a name"),
        (#"{"messages":[{"role":""}]}"#, "7:22", "the role of messages[0] is not a name"),
        (#"{"messages":[{"role":"u","content":5}]}"#, "7:36", "the content of messages[0] is a number"),
        (#"{"prompt":["x"]}"#, "7:12", "prompt[0] is a string; expected an object"),
        (#"{"prompt":5}"#, "7:11", "prompt is a number; expected a string"),
        (#"{"prefix":"x","suffix":true}"#, "7:24", "suffix is a boolean; expected a string"),
        (#"{"prompt":"x","id":[1]}"#, "7:20", "the row's id is an array"),
        (#"{"custom_id":"c","body":[]}"#, "7:25", "body is an array; expected an object"),
        (#"{"custom_id":"c","body":{},"method":"GET"}"#, "7:37", "method is 'GET'"),
        (#"{"custom_id":"c","body":{},"url":"http://x/"}"#, "7:34", "url does not start with '/'"),
    ]) func faultsNameTheirPlace(json: String, place: String, message: String) throws {
        let error = try #require(try fault(Array(json.utf8)))
        #expect(error.code == .badInput && error.place == "standard input:\(place)")
        #expect(error.message.contains(message))
    }

    @Test func aRowWithoutAPromptListsWhatItHas() throws {
        #expect(
            try fault(Array(#"{"question":"x","b":2}"#.utf8))?.description
                == "standard input:7: no prompt: the row has the fields question, b. Expected messages, prompt, "
                + "prefix and suffix, conversations, or a custom_id with body or params; or use --template: a file with "
                + "the prompt's text, in which {{question}} is a field.")
        #expect(try fault(Array("{}".utf8))?.cause == "the row has no fields")
        let many = "{" + (0..<30).map { "\"f\($0)\":0" }.joined(separator: ",") + "}"
        #expect(try fault(Array(many.utf8))?.cause?.hasSuffix("f18, f19, ...") == true)
    }

    @Test(arguments: [
        (#"{"n":1,"data":[{"prompt":"x"}]}"#, "jq -c '.data[]' FILE"), ("{'prompt': 'x'}", "json.dumps"),
        (#"{"prompt":"x"},"#, "Take away the comma"), (#"{"prompt":"x"}{"prompt":"y"}"#, "jq -c . FILE"),
        ("{", "jq -c . FILE"), (" [ ", "jq -c . FILE"), (#""x""#, ".txt with one prompt a line"),
        (#"{"id":"a","Frage":"x"}"#, "{{Frage}} is a field"), (#"{"id":"a","prompt_id":"x"}"#, "or use --template."),
    ]) func whatIsOftenTakenForARowIsAdvisedOn(text: String, advice: String) throws {
        #expect(try #require(try fault(Array(text.utf8))).description.contains(advice))
    }

    @Test func rowsOfOtherAPIsAreRefused() throws {
        let row = #"{"custom_id":"e","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":"x"}}"#
        #expect(try fault(Array(row.utf8))?.message == "a row for /v1/embeddings does not return text")
    }

    @Test func bytesThatAreNotUTF8AreNamedByColumn() throws {
        for bytes in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]] {
            let error = try fault(Array(#"{"prompt":"é"#.utf8) + bytes + Array(#""}"#.utf8))
            #expect(error?.message == "the row is not UTF-8" && error?.place == "standard input:7:14")
        }
    }

    @Test func anIDHasALimit() throws {
        let id = String(repeating: "x", count: PromptRow.idBytesMax)
        #expect(try readable(#"{"id":"\#(id)","prompt":""}"#).id == id)
        #expect(try fault(Array(#"{"id":"\#(id)x","prompt":""}"#.utf8))?.message.contains("longer than") == true)
    }

    @Test func aRowThatCouldNotBeReadIsAnErrorAtItsPlace() throws {
        let input = try InputSet.resolve(["-"])
        let bad = Row.Content.bad(BadRow(reason: "not UTF-8", column: 3))
        let row = Row(number: 0, file: 0, line: 9, byteOffset: 0, content: bad)
        #expect(throws: RetortError(.badInput, "not UTF-8", at: "standard input:9:3")) {
            try PromptParser(input).parse(row)
        }
    }
}
