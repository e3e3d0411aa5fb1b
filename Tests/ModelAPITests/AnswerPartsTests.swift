import JSONText
import Testing

@testable import ModelAPI

/// Every part of an answer is in one of its fields.
@Suite struct AnswerPartsTests {
    private func chat(_ message: String, choice: String = "", root: String = "") -> String {
        #"{"choices":[{"index":0,"message":{"role":"assistant",\#(message)}\#(choice)}]\#(root)}"#
    }

    private func other(_ body: String) throws -> JSONValue {
        try JSONParser().parse(try #require(try answer(body).otherRaw)).root
    }

    @Test(arguments: [
        #""content":"a","reasoning_content":"why""#, #""content":"a","reasoning":"why""#,
        #""content":"a","thinking":"why""#,
        #""content":"a","reasoning_content":"","reasoning":"why""#,
        #""content":"a","reasoning":"why","reasoning_content":"why""#,
        #""content":"a","reasoning":{"content":"why"}"#,
        #""content":"a","reasoning":[{"type":"text","text":"wh"},"y"]"#,
        #""content":"a","reasoning_details":[{"type":"reasoning.text","text":"wh"},{"type":"reasoning.summary","summary":"y"}]"#,
        #""content":"a","reasoning":"why","reasoning_details":[{"type":"reasoning.text","text":"why","format":"f","index":0}]"#,
        #""content":[{"type":"thinking","thinking":[{"type":"text","text":"wh"},{"type":"text","text":"y"}],"closed":true},{"type":"text","text":"a"}]"#,
        #""content":[{"type":"thinking","thinking":"why"},{"type":"text","text":"a"}]"#,
        #""content":[{"type":"reasoning","text":"why"},"a"]"#,
        #""content":[{"text":"why","thought":true},{"text":"a"}]"#,
        #""content":{"parts":[{"text":"why","thought":true},{"text":"a"}]}"#,
    ])
    func reasoningIsFoundInEveryForm(members: String) throws {
        let answer = try answer(chat(members))
        #expect(string(answer.reasoningRaw) == #""why""# && string(answer.responseRaw) == #""a""#)
        #expect(answer.otherRaw == nil)
    }

    @Test func whatIsSignedOrEncryptedStays() throws {
        let details =
            #"[{"type":"reasoning.text","text":"why","signature":"s"},{"type":"reasoning.encrypted","data":"d"}]"#
        let opened = try other(chat(#""content":"a","reasoning":"why","reasoning_details":\#(details)"#))
        #expect(opened["reasoning_details"].map { string($0.raw) } == details)
        let body =
            #"{"type":"message","content":[{"type":"thinking","thinking":"why","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"a"}]}"#
        #expect(try string(answer(body).reasoningRaw) == #""why""#)
        let content = try #require(try other(body)["content"])
        #expect(
            string(content.raw) == #"[{"type":"thinking","signature":"s"},{"type":"redacted_thinking","data":"d"}]"#)
    }

    @Test(arguments: [
        (#""content":null,"function_call":{"name":"f","arguments":"{}"}"#, "function_call"),
        (#""content":"a","audio":{"id":"x","data":"AAAA"}"#, "audio"),
        (#""content":"a","images":[{"image_url":{"url":"data:"}}]"#, "images"),
        (#""content":"a","annotations":[{"type":"url_citation"}]"#, "annotations"),
        (#""content":"a","something_new":{"x":1}"#, "something_new"),
        (#""content":"a","reasoning":"b","thinking":"c""#, "thinking"),
        (#""content":[{"type":"image_url","image_url":{"url":"data:"}}]"#, "content"),
        (#""content":[{"type":"text","text":"a","annotations":[1]}]"#, "content"),
    ])
    func partsWithoutAFieldAreKept(members: String, name: String) throws {
        let found = try #require(try other(chat(members)).member(name.utf8))
        let given = try JSONParser().parse("{\(members)}").root.member(name.utf8)
        if name != "content" { #expect(given.map { string($0.raw) } == string(found.raw)) }
    }

    @Test func choicesAndLogprobsAreKept() throws {
        let body =
            #"{"provider":"P","choices":[{"index":1,"message":{"content":"second"}},{"index":0,"message":{"content":"first"},"logprobs":{"content":[{"token":"x"}]},"stop_reason":"</s>"},{"index":2,"text":"third"}]}"#
        #expect(try string(answer(body).responseRaw) == #""first""#)
        let other = try other(body)
        #expect(other["choices"]?.elements.map { $0["index"]?.int } == [1, 2])
        #expect(other["logprobs"]?["content"]?.elements.count == 1)
        #expect(other["provider"]?.string == "P" && other["stop_reason"]?.string == "</s>")
    }

    @Test func equalNamesOfDifferentPlacesAreBothKept() throws {
        let other = try other(
            chat(#""content":"a","note":1,"note":2"#, choice: #","note":3"#, root: #","note":4,"id":"x""#))
        #expect(other.members.map { $0.key.string } == ["note", "note_2", "note_3", "note_4"])
    }

    @Test(arguments: [
        (#"{"answer":42,"q":"\""}"#, #"{"answer":42,"q":"\""}"#), (#"{"type":"text","text":"a"}"#, "a"),
        (#"{"text":"a"}"#, "a"),
        ("42", "42"), ("true", "true"), (#"["a",{"type":"output_text","text":"b"}]"#, "ab"),
    ])
    func contentOfOtherFormsIsText(content: String, expected: String) throws {
        let answer = try answer(chat(#""content":\#(content)"#))
        #expect(try JSONParser().parse(answer.responseRaw).root.string == expected)
    }

    @Test(arguments: [
        #"{"model":"m","message":{"role":"assistant","content":"a","thinking":"why"},"done":true,"done_reason":"length","prompt_eval_count":3,"eval_count":4}"#,
        #"{"model":"m","response":"a","thinking":"why","done":true,"done_reason":"length","context":[1,2],"prompt_eval_count":3,"eval_count":4}"#,
        #"{"modelVersion":"m","candidates":[{"content":{"parts":[{"text":"why","thought":true},{"text":"a"}],"role":"model"},"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":3,"thoughtsTokenCount":1,"totalTokenCount":7}}"#,
        #"{"object":"response","model":"m","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"why"}]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[]}]}],"usage":{"input_tokens":3,"output_tokens":4},"temperature":1}"#,
        #"{"type":"message","model":"m","content":[{"type":"thinking","thinking":"why"},{"type":"text","text":"a"}],"stop_reason":"max_tokens","usage":{"input_tokens":1,"cache_read_input_tokens":1,"cache_creation_input_tokens":1,"output_tokens":4}}"#,
        #"[{"candidates":[{"content":{"parts":[{"text":"wh","thought":true}]},"index":0}]},{"candidates":[{"content":{"parts":[{"text":"y","thought":true},{"text":"a"}]},"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4},"modelVersion":"m"}]"#,
    ])
    func otherApisAreRead(body: String) throws {
        let answer = try answer(body)
        #expect(string(answer.reasoningRaw) == #""why""# && string(answer.responseRaw) == #""a""#)
        #expect(answer.finishReason == "length" && string(answer.modelRaw) == #""m""#)
        #expect(answer.usage.prompt == 3 && answer.usage.completion == 4, "\(body)")
        #expect(answer.otherRaw == nil, "\(answer.otherRaw.map(string) ?? "")")
    }

    @Test(arguments: [
        #"{"object":"response","status":"completed","output":[{"type":"function_call","name":"f","arguments":"{}","call_id":"c"}]}"#,
        #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP"}]}"#,
        #"{"content":[{"type":"tool_use","name":"f","input":{}}],"stop_reason":"tool_use"}"#,
        #"{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{}}}]},"done":true,"done_reason":"tool_calls"}"#,
        #"{"choices":[{"message":{"content":null,"tool_calls":{"function":{"name":"f"}}},"finish_reason":"tool_calls"}]}"#,
    ])
    func callsOfOtherApisAreRead(body: String) throws {
        let answer = try answer(body)
        let calls = try JSONParser().parse(try #require(answer.toolCallsRaw)).root
        #expect((calls.firstElement?["name"] ?? calls.firstElement?["function"]?["name"])?.string == "f")
        #expect(answer.finishReason == "tool_calls" && !answer.isEmpty)
    }

    @Test func serverToolsAreKept() throws {
        let body =
            #"{"content":[{"type":"server_tool_use","id":"s","name":"web_search"},{"type":"text","text":"a","citations":[{"url":"u"}]}],"stop_reason":"pause_turn","stop_sequence":null}"#
        #expect(try other(body)["content"]?.elements.count == 2)
        #expect(try answer(body).finishReason == "pause_turn")
    }
}

@Suite struct CarelessBodyTests {
    private func response(_ body: [UInt8]) throws -> String {
        let verdict = Classifier().classify(.success(ModelReply(status: 200, body: body)), with: JSONParser())
        guard case .answer(let answer) = verdict else { throw NoAnswer(verdict: verdict) }
        _ = try answer.otherRaw.map { try JSONParser().parse($0) }
        return try #require(try JSONParser().parse(answer.responseRaw).root.string)
    }

    private let whole = #"{"choices":[{"message":{"content":"caf\u00e9"},"finish_reason":"stop"}]}"#

    @Test(arguments: [
        "\n\n\n", "\u{FEFF}", "\r\n \t", ": keep-alive\n\n: keep-alive\r\n\r\n", "\u{FEFF}\n: PROCESSING\n\n",
    ])
    func whatComesBeforeIsPassedOver(prefix: String) throws {
        #expect(try response(Array((prefix + whole).utf8)) == "café")
        let stream =
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        #expect(try response(Array((prefix + stream).utf8)) == "a")
    }

    @Test(arguments: ["NaN", "Infinity", "-Infinity", "nan", "[1,NaN , -Infinity]", "{\"a\":NaN}"])
    func numbersThatAreNoneAreNull(number: String) throws {
        let body = whole.dropLast() + ",\"metric\":\(number),\"usage\":{\"prompt_tokens\":\(number)}}"
        #expect(try response(Array(body.utf8)) == "café")
        #expect(
            try response(Array(#"{"choices":[{"message":{"content":"NaN, -Infinity"},"score":NaN}]}"#.utf8))
                == "NaN, -Infinity")
    }

    @Test func bytesThatAreNoTextAreReplaced() throws {
        let body = Array(#"{"choices":[{"message":{"content":"caf"#.utf8) + [0xE9] + Array(#""}}]}"#.utf8)
        #expect(try response(body) == "caf\u{FFFD}")
        #expect(try response(Array("{\"choices\":[{\"message\":{\"content\":\"a\nb\u{01}\"}}]}".utf8)) == "a\nb\u{01}")
        #expect(try response(Array(#"{"choices":[{"message":{"content":"\d\'\u12"}}]}"#.utf8)) == #"\d\'\u12"#)
    }

    @Test func whatComesBehindIsPassedOver() throws {
        #expect(try response(Array((whole + "\n\ndata: [DONE]\n\n").utf8)) == "café")
        #expect(try response(Array((whole + "}").utf8)) == "café")
    }
}
