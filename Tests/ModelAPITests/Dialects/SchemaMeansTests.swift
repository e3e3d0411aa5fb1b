import Basics
import JSONText
import Testing

@testable import ModelAPI

/// The form of each means in each API.
@Suite struct SchemaMeansTests {
    private static let schema = #"{"type":"object"}"#

    private func body(
        _ endpoint: RequestBuilder.Endpoint, _ means: SchemaMeans, schema: String? = schema, isStrict: Bool = true,
        extra: [(name: String, value: [UInt8])] = []
    ) throws -> JSONValue {
        var parameters = RequestParameters(model: "m")
        parameters.extra = extra
        try endpoint.dialect.tell(
            schema: schema.map { Array($0.utf8) }, isStrict: isStrict, by: means, in: &parameters)
        let builder = try RequestBuilder(endpoint: endpoint, parameters: parameters)
        return try JSONParser().parse(try builder.request(.prompt(Array(#""q""#.utf8)[...])).body).root
    }

    private func text(_ value: JSONValue?) -> String { String(decoding: value?.raw ?? [], as: UTF8.self) }

    @Test func aToolIsForced() throws {
        let chat = try body(.chat, .tool)
        let function =
            #"{"name":"submit_answer","description":"Takes the answer.","strict":true,"parameters":{"type":"object"}}"#
        #expect(text(chat["tools"]) == #"[{"type":"function","function":\#(function)}]"#)
        #expect(text(chat["tool_choice"]) == #"{"type":"function","function":{"name":"submit_answer"}}"#)
        let responses = try body(.responses, .tool, isStrict: false)
        let tool = try #require(responses["tools"]?.firstElement)
        #expect(tool["type"]?.string == "function" && tool["name"]?.string == "submit_answer")
        #expect(tool["strict"]?.bool == false && text(tool["parameters"]) == Self.schema)
        #expect(text(responses["tool_choice"]) == #"{"type":"function","name":"submit_answer"}"#)
        let messages = try body(.messages, .tool)
        #expect(
            text(messages["tools"])
                == #"[{"name":"submit_answer","description":"Takes the answer.","input_schema":{"type":"object"}}]"#)
        #expect(text(messages["tool_choice"]) == #"{"type":"tool","name":"submit_answer"}"#)
    }

    @Test func serversOfOnesOwnHaveTheirNames() throws {
        #expect(text(try body(.chat, .structuredOutputs)["structured_outputs"]) == #"{"json":{"type":"object"}}"#)
        #expect(
            text(try body(.completions, .structuredOutputs, schema: nil)["structured_outputs"])
                == #"{"json_object":true}"#)
        #expect(text(try body(.chat, .guidedJSON)["guided_json"]) == Self.schema)
        let own = try body(.chat, .guidedJSON, extra: [("guided_json", Array("{}".utf8))])
        #expect(text(own["guided_json"]) == "{}")
    }

    @Test func nothingIsSaidByNoneAndByPrompt() throws {
        for means in [SchemaMeans.none, .prompt] {
            let told = try body(.chat, means)
            #expect(told.members.map { $0.key.string } == ["model", "messages"])
        }
    }

    @Test(arguments: [
        (RequestBuilder.Endpoint.completions, SchemaMeans.tool), (.messages, .structuredOutputs),
        (.messages, .guidedJSON),
    ])
    func whatAnAPIHasNotIsRefused(_ endpoint: RequestBuilder.Endpoint, _ means: SchemaMeans) {
        #expect(!endpoint.dialect.schemaMeans.contains(means))
        #expect(throws: RetortError.self) { try body(endpoint, means) }
    }

    @Test func toolsOfTheUsersOwnAreRefusedBesideIt() {
        #expect(throws: RetortError.self) { try body(.chat, .tool, extra: [("tools", Array("[]".utf8))]) }
    }

    // MARK: The answer's tool

    @Test(
        arguments: [
            (#"[{"id":"c","function":{"name":"submit_answer","arguments":"{\"a\":1}"}}]"#, #"{"a":1}"#),
            (
                #"[{"type":"function_call","name":"other","arguments":"1"},{"name":"submit_answer","arguments":"2"}]"#,
                "2"
            ),
            (#"[{"type":"tool_use","name":"submit_answer","input":{"a":[]}}]"#, #"{"a":[]}"#),
            (#"[{"name":"submit_answer"}]"#, ""), (#"[{"name":"submit_answer","arguments":null}]"#, "null"),
            (#"[{"name":"other","arguments":"1"}]"#, nil), ("[]", nil), ("[1,[]]", nil), ("rubbish", nil), ("", nil),
        ] as [(String, String?)])
    func theAnswerIsInTheCall(_ calls: String, _ arguments: String?) {
        let found = AnswerTool.arguments(in: Array(calls.utf8)[...], with: JSONParser())
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == arguments)
    }

    // MARK: Instructions

    private func instructed(_ endpoint: RequestBuilder.Endpoint, _ body: String) -> String? {
        let request = ModelRequest(path: "", body: Array(body.utf8))
        let told = AddedInstructions.request(
            request, saying: Array("say \"x\"\n".utf8), in: endpoint.dialect, with: JSONParser())
        return told.map { String(decoding: $0.body, as: UTF8.self) }
    }

    @Test(
        arguments: [
            (
                .chat, #"{"messages":[{"role":"user","content":"q"}]}"#,
                #"{"messages":[{"role":"user","content":"q\n\nI"}]}"#
            ),
            (.completions, #"{"prompt":"q","n":1}"#, #"{"prompt":"q\n\nI","n":1}"#),
            (.responses, #"{"input":"q"}"#, #"{"input":"q\n\nI"}"#),
            (
                .messages, #"{"messages":[{"role":"user","content":[{"type":"text","text":"q"}]}]}"#,
                #"{"messages":[{"role":"user","content":[{"type":"text","text":"q"},{"type":"text","text":"I"}]}]}"#
            ),
            (
                .responses, #"{"input":[{"role":"user","content":[]}]}"#,
                #"{"input":[{"role":"user","content":[{"type":"input_text","text":"I"}]}]}"#
            ),
            (
                .chat, #"{"messages":[{"role":"assistant","content":"a"}]}"#,
                #"{"messages":[{"role":"assistant","content":"a"},{"role":"user","content":"I"}]}"#
            ),
            (.chat, #"{"messages":[]}"#, #"{"messages":[{"role":"user","content":"I"}]}"#),
            (.chat, #"{"prompt":"q"}"#, nil),
            (.chat, "rubbish", nil),
        ] as [(RequestBuilder.Endpoint, String, String?)])
    func instructionsComeLast(_ endpoint: RequestBuilder.Endpoint, _ body: String, _ expected: String?) {
        #expect(instructed(endpoint, body) == expected?.replacing("I\"", with: #"say \"x\"\n""#))
    }

    @Test func instructionsAreReplacedWhereTheyWereAddedLast() {
        let body = Array(#"{"messages":[{"content":"a\nb"},{"content":"a\nb"}]}"#.utf8)
        let changed = AddedInstructions.replacing(Array("a\nb".utf8), by: Array("c\"".utf8), in: body)
        #expect(
            changed.map { String(decoding: $0, as: UTF8.self) }
                == #"{"messages":[{"content":"a\nb"},{"content":"c\""}]}"#)
        #expect(AddedInstructions.replacing(Array("z".utf8), by: [], in: body) == nil)
    }
}
