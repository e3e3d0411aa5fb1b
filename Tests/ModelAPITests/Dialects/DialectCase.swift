import ModelAPI

/// One input of the table with which all dialects are tested.
struct DialectCase: Sendable {
    let name: String
    let input: RequestInput
    var members: [(name: String, value: String)] = []
    var change: @Sendable (inout RequestParameters, any Dialect) -> Void = { _, _ in }

    private static func raw(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }
    private static let prompt = RequestInput.prompt(raw(#""p\ud800""#))

    private static func turns(_ name: String, _ json: String) -> DialectCase {
        DialectCase(name: name, input: .messages(raw(json)))
    }

    private static func run(
        _ name: String, _ change: @escaping @Sendable (inout RequestParameters) -> Void
    ) -> DialectCase {
        DialectCase(name: name, input: prompt) { parameters, _ in change(&parameters) }
    }

    private static func row(
        _ name: String, _ members: [(String, String)],
        _ change: @escaping @Sendable (inout RequestParameters) -> Void = { _ in }
    ) -> DialectCase {
        DialectCase(name: name, input: prompt, members: members) { parameters, _ in change(&parameters) }
    }

    static let all = asked + parameters + wishes

    static let asked = [
        DialectCase(name: "prompt", input: prompt),
        turns("turns", #"[{"role":"user","content":"a\u00e9"},{"role":"assistant","content":"b"}]"#),
        turns(
            "system",
            #"[{"role":"system","content":"s"},{"role":"user","content":"q"},{"role":"developer","content":"d"}]"#),
        turns(
            "image",
            #"[{"role":"user","content":[{"type":"text","text":"t"},{"type":"image_url","image_url":"#
                + #"{"url":"data:image/png;base64,AA","detail":"low"}}]}]"#),
        turns(
            "calls",
            #"[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"#
                + #""function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"c","#
                + #""content":"r"}]"#),
    ]

    static let parameters = [
        run("sampling") { ($0.temperature, $0.topP) = (0.5, 0.25) },
        run("limit") { $0.maxTokens = 7 },
        run("two limits") { ($0.maxTokens, $0.maxCompletionTokens) = (7, 9) },
        run("stop") { $0.stop = ["END"] },
        run("seed") { $0.seed = 3 },
        run("effort") { $0.reasoningEffort = "low" },
        run("effort and more") {
            $0.reasoningEffort = "low"
            $0.extra = [("reasoning", Array(#"{"summary":"auto"}"#.utf8))]
        },
        run("format") {
            $0.responseFormat = Array(#"{"type":"json_schema","json_schema":{"name":"n","schema":{"a":1}}}"#.utf8)
        },
        run("extra") { $0.extra = [("top_k", Array("5".utf8)), ("logprobs", Array("true".utf8))] },
        DialectCase(name: "schema", input: prompt) { parameters, dialect in
            dialect.tell(schema: Array(#"{"s":1}"#.utf8), isStrict: true, in: &parameters)
        },
        DialectCase(name: "any JSON", input: prompt) { parameters, dialect in
            dialect.tell(schema: nil, isStrict: false, in: &parameters)
        },
    ]

    static let wishes = [
        row("row's model and limit", [("model", #""r""#), ("max_completion_tokens", "3")]) { $0.maxTokens = 7 },
        row(
            "row's tools",
            [
                ("tools", #"[{"type":"function","function":{"name":"f","description":"d","parameters":{"p":1}}}]"#),
                ("tool_choice", #"{"type":"function","function":{"name":"f"}}"#), ("parallel_tool_calls", "false"),
            ]),
        row("row's effort", [("reasoning_effort", #""high""#)]) {
            $0.extra = [("reasoning", Array(#"{"summary":"auto","effort":"low"}"#.utf8))]
        },
        row("row's format", [("response_format", #"{"type":"json_object"}"#)]) {
            $0.extra = [("text", Array(#"{"verbosity":"low"}"#.utf8))]
        },
        row("row's stop", [("stop", #""END""#)]),
        row("row's seed", [("seed", "4")]),
    ]
}
