import Basics
import JSONText
import ModelAPI
import Testing

@Suite struct RequestBuilderTests {
    private func text(_ request: ModelRequest) -> String { String(decoding: request.body, as: UTF8.self) }

    private func raw(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

    @Test func splicesMessagesByteForByte() throws {
        let builder = try RequestBuilder(endpoint: .chat, parameters: RequestParameters(model: "m"))
        let messages = #"[ {"role":"user","content":"a\ud800\u00e9 \/"} ]"#
        let request = try builder.request(.messages(raw(messages)))
        #expect(request.path == "/chat/completions")
        #expect(text(request) == #"{"model":"m","messages":"# + messages + "}")
    }

    @Test func aPromptIsOneUserTurn() throws {
        let builder = try RequestBuilder(endpoint: .chat, parameters: RequestParameters(model: "m"))
        let request = try builder.request(.prompt(raw(#""Why?\n""#)))
        #expect(text(request) == #"{"model":"m","messages":[{"role":"user","content":"Why?\n"}]}"#)
    }

    @Test func rendersEveryParameter() throws {
        var parameters = RequestParameters(model: "a \"model\"")
        parameters.temperature = 0.7
        parameters.topP = 1
        parameters.maxTokens = 100
        parameters.maxCompletionTokens = 200
        parameters.stop = ["\n", "END"]
        parameters.seed = -3
        parameters.responseFormat = Array(#"{"type":"json_object"}"#.utf8)
        parameters.reasoningEffort = "low"
        parameters.extra = [("top_k", Array("5".utf8))]
        let request = try RequestBuilder(endpoint: .completions, parameters: parameters).request(.prompt(raw("\"p\"")))
        let root = try JSONParser().parse(request.body).root
        #expect(root["model"]?.string == "a \"model\"")
        #expect(root["temperature"]?.double == 0.7 && root["top_p"]?.double == 1)
        #expect(root["max_tokens"]?.int == 100 && root["max_completion_tokens"]?.int == 200)
        #expect(root["stop"]?.elements.map(\.string) == ["\n", "END"])
        #expect(root["seed"]?.int == -3 && root["top_k"]?.int == 5)
        #expect(root["response_format"]?["type"]?.string == "json_object")
        #expect(root["reasoning_effort"]?.string == "low")
        #expect(root["prompt"]?.string == "p")
        #expect(root.members.count == 11)
    }

    @Test func infillIsNativeOrAskedFor() throws {
        let input = RequestInput.infill(prefix: raw(#""def f():\n""#), suffix: raw(#""\nreturn \"x\"""#))
        let native = try RequestBuilder(endpoint: .completions, parameters: .init(model: "m")).request(input)
        #expect(native.path == "/completions")
        #expect(text(native) == #"{"model":"m","prompt":"def f():\n","suffix":"\nreturn \"x\""}"#)
        let chat = try RequestBuilder(endpoint: .chat, parameters: .init(model: "m")).request(input)
        let content = try JSONParser().parse(chat.body).root["messages"]?.elements.first?["content"]?.string
        #expect(content?.hasSuffix("<PREFIX>def f():\n</PREFIX>\n<SUFFIX>\nreturn \"x\"</SUFFIX>") == true)
    }

    @Test(arguments: [
        ("/v1/chat/completions", "/chat/completions"), ("/v1/completions", "/completions"), ("/rerank", "/rerank"),
        ("/v1/messages", "/v1/messages"),
    ])
    func batchRowsGoAsTheyAre(url: String, path: String) throws {
        let builder = try RequestBuilder(endpoint: .chat, parameters: RequestParameters(model: "ignored"))
        let request = try builder.request(.batchRow(url: url, body: raw(#"{ "model" : "x" }"#)))
        #expect(request.path == path && text(request) == #"{ "model" : "x" }"#)
    }

    @Test func messagesAreNoCompletion() throws {
        let builder = try RequestBuilder(endpoint: .completions, parameters: RequestParameters(model: "m"))
        #expect {
            try builder.request(.messages([0x5B, 0x5D]))
        } throws: { ($0 as? RetortError)?.code == .configuration }
    }

    @Test func anthropicAlwaysHasALimit() throws {
        let builder = try RequestBuilder(endpoint: .messages, parameters: RequestParameters(model: "m"))
        let root = try JSONParser().parse(try builder.request(.prompt(raw("\"p\""))).body).root
        #expect(root["max_tokens"]?.int == AnthropicMessages.tokensMaxDefault)
    }

    @Test func anthropicHasItsInstructionsApart() throws {
        var parameters = RequestParameters(model: "m")
        parameters.maxCompletionTokens = 77
        parameters.stop = ["END"]
        let builder = try RequestBuilder(endpoint: .messages, parameters: parameters)
        let user = #"{"role":"user","content":"q\ud800"}"#
        let messages = """
            [{"role":"system","content":"be \\u0062rief"},\(user),{"role":"developer","content":[{"type":"text","text":"b"}]}]
            """
        let request = try builder.request(.messages(raw(messages)), with: JSONParser())
        let root = try JSONParser().parse(request.body).root
        #expect(root["messages"].map { String(decoding: $0.raw, as: UTF8.self) } == "[\(user)]")
        #expect(root["system"]?.elements.map { $0["text"]?.string } == ["be brief", "b"])
        #expect(root["max_tokens"]?.int == 77 && root["max_completion_tokens"] == nil)
        #expect(root["stop_sequences"]?.elements.first?.string == "END")
        #expect(text(try builder.request(.messages(raw("[\(user)]")))).hasSuffix(#""messages":[\#(user)]}"#))
    }

    @Test func anthropicRefusesWhatItHasNoNameFor() {
        var parameters = RequestParameters(model: "m")
        parameters.seed = 1
        #expect {
            try RequestBuilder(endpoint: .messages, parameters: parameters)
        } throws: { ($0 as? RetortError)?.message.contains("seed") == true }
    }

    private func fingerprint(_ messages: String, _ members: [BodyMember] = []) throws -> UInt64 {
        let builder = try RequestBuilder(endpoint: .chat, parameters: RequestParameters(model: "m"))
        let parser = JSONParser()
        return builder.fingerprint(try builder.request(.messages(raw(messages)), members: members), with: parser)
    }

    @Test(arguments: [
        (#"[{"role":"user","content":"caf\u00e9 \/ x"}]"#, #"[ {"content" : "café / x", "role":"user"} ]"#),
        (#"[{"a":1,"b":[100,0.5,-0]}]"#, #"[{"b":[1e2,5e-1,0.0],"a":1.0}]"#),
        (#"[{"a":1,"a":2}]"#, #"[{"a":2}]"#), (#"["\ud83d\ude00"]"#, #"["😀"]"#),
        (#"[18446744073709551616]"#, #"[18446744073709551616.0]"#), ("[0.7]", "[0.69999999999999996]"),
    ]) func theSpellingMakesNoOtherFingerprint(one: String, other: String) throws {
        #expect(try fingerprint(one) == fingerprint(other))
    }

    @Test(arguments: [
        (#"[{"a":1,"a":2}]"#, #"[{"a":2,"a":1}]"#), ("[1,2]", "[2,1]"), (#"["1"]"#, "[1]"), ("[null]", "[false]"),
        ("[9007199254740993]", "[9007199254740992]"), ("[[1],2]", "[[1,2]]"), (#"["\ud83d"]"#, #"["\ufffd"]"#),
        (#"[{"a":{"b":1},"c":2}]"#, #"[{"a":{"c":2},"b":1}]"#), ("[-1]", "[1]"), (#"["a\n"]"#, #"["an"]"#),
        ("[0.1]", "[0.11]"), ("[[]]", "[{}]"),
    ]) func otherValuesMakeAnotherFingerprint(one: String, other: String) throws {
        #expect(try fingerprint(one) != fingerprint(other))
    }

    @Test func theFingerprintIsOfTheWholeBody() throws {
        let builder = try RequestBuilder(endpoint: .chat, parameters: RequestParameters(model: "m"))
        let parser = JSONParser()
        let request = try builder.request(.messages(raw(#"[{"role":"user","content":"a"}]"#)))
        let turned = ModelRequest(
            path: request.path, body: Array(#"{"messages":[{"content":"a","role":"user"}],"model":"m"}"#.utf8))
        #expect(builder.fingerprint(request, with: parser) == builder.fingerprint(turned, with: parser))
        #expect(RequestBuilder.fingerprintOfBytes(request) != RequestBuilder.fingerprintOfBytes(turned))
        let warm = BodyMember(name: "temperature", value: raw("1"))
        #expect(try fingerprint("[1]") != fingerprint("[1]", [warm]))
    }

    @Test(arguments: [RequestBuilder.Endpoint.chat, .messages]) func whatIsNotComparedMakesNoOtherFingerprint(
        _ endpoint: RequestBuilder.Endpoint
    ) throws {
        let parser = JSONParser()
        let parameters = RequestParameters(model: "m")
        let input = RequestInput.messages(raw(#"[{"role":"user","content":"a"}]"#))
        func made(_ told: String?, _ members: [BodyMember] = []) throws -> (UInt64, RequestBuilder, ModelRequest) {
            var all = parameters
            if let told { all.extra.append(("told", Array(told.utf8))) }
            let builder = try RequestBuilder(endpoint: endpoint, parameters: all, compared: parameters)
            let request = try builder.request(input, members: members)
            return (builder.fingerprint(request, with: parser), builder, request)
        }
        let row = [BodyMember(name: "temperature", value: raw("1"))]
        #expect(try made(nil).0 == made("1").0 && made("1").0 == made(#"{"a":2}"#).0)
        #expect(try made(nil, row).0 == made("1", row).0 && made(nil).0 != made(nil, row).0)
        #expect(try made("1", [BodyMember(name: "told", value: raw("2"))]).0 != made("1").0)
        // The same values with another head, whose hashes are not known before.
        let (known, same, spaced) = try made("1")
        let other = ModelRequest(path: spaced.path, body: Array("{ ".utf8) + spaced.body.dropFirst())
        #expect(same.fingerprint(other, with: parser) == known)
        let repeated = ModelRequest(path: spaced.path, body: spaced.body.dropLast() + raw(#","told":1}"#))
        let turned = ModelRequest(path: spaced.path, body: Array("{ ".utf8) + repeated.body.dropFirst())
        #expect(same.fingerprint(repeated, with: parser) == same.fingerprint(turned, with: parser))
        // Earlier versions compared everything.
        let (fingerprint, builder, request) = try made("1")
        var all = parameters
        all.extra.append(("told", Array("1".utf8)))
        let earlier = try RequestBuilder(endpoint: endpoint, parameters: all).fingerprint(request, with: parser)
        #expect(earlier != fingerprint)
        #expect(builder.isEarlierFingerprint(UInt32(truncatingIfNeeded: earlier), of: request, with: parser))
        #expect(!builder.isEarlierFingerprint(UInt32(truncatingIfNeeded: earlier &+ 1), of: request, with: parser))
    }

    @Test func aRowsWishesWinOverTheParameters() throws {
        var parameters = RequestParameters(model: "m")
        parameters.temperature = 0.5
        parameters.maxCompletionTokens = 9
        let builder = try RequestBuilder(endpoint: .chat, parameters: parameters)
        let request = try builder.request(
            .prompt(raw(#""x""#)),
            members: [
                BodyMember(name: "temperature", value: raw("1")), BodyMember(name: "model", value: raw(#""own""#)),
                BodyMember(name: "max_tokens", value: raw("5")),
            ])
        #expect(
            text(request)
                == #"{"temperature":1,"model":"own","max_tokens":5,"messages":[{"role":"user","content":"x"}]}"#)
    }

    @Test func anthropicGetsItsOwnNames() throws {
        let builder = try RequestBuilder(endpoint: .messages, parameters: RequestParameters(model: "m"))
        let messages =
            #"[{"role":"system","content":"s"},{"role":"user","content":[{"type":"image_url","image_url":"#
            + #"{"url":"data:image/png;base64,AA"}},{"type":"text","text":"t"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","#
            + #""function":{"name":"f","arguments":"{\"q\": 1}"}}]},{"role":"tool","tool_call_id":"c","content":"r"},"#
            + #"{"role":"user","content":"go"}]"#
        let request = try builder.request(
            .messages(raw(messages)),
            members: [
                BodyMember(name: "stop", value: raw(#""END""#)), BodyMember(name: "max_tokens", value: raw("7")),
                BodyMember(
                    name: "tools",
                    value: raw(#"[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#)),
                BodyMember(name: "tool_choice", value: raw(#""required""#)),
                BodyMember(name: "parallel_tool_calls", value: raw("false")),
            ])
        let root = try JSONParser().parse(request.body).root
        #expect(root.members.map(\.key.string).count == Set(root.members.map(\.key.string)).count)
        #expect(root["max_tokens"]?.int == 7 && root["stop_sequences"]?.firstElement?.string == "END")
        #expect(root["tools"]?.raw.elementsEqual(#"[{"name":"f","input_schema":{"type":"object"}}]"#.utf8) == true)
        #expect(
            root["tool_choice"]?.raw.elementsEqual(#"{"type":"any","disable_parallel_tool_use":true}"#.utf8) == true)
        #expect(root["system"]?.firstElement?["text"]?.string == "s")
        let turns = root["messages"]?.elements ?? []
        #expect(turns.map { $0["role"]?.string } == ["user", "assistant", "user", "user"])
        #expect(turns[0]["content"]?.firstElement?["source"]?["data"]?.string == "AA")
        #expect(turns[1]["content"]?.firstElement?["input"]?["q"]?.int == 1)
        #expect(turns[2]["content"]?.firstElement?["tool_use_id"]?.string == "c")
    }

    @Test(arguments: [
        #"[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]"#,
        #"[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"no"}}]}]"#,
        #"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///x"}}]}]"#,
        #"[{"role":"tool","content":"x"}]"#, #"[{"role":"critic","content":"x"}]"#,
        #"[{"role":"user","content":"x","video":{}}]"#,
    ]) func whatAnthropicCannotTakeIsRefused(messages: String) throws {
        let builder = try RequestBuilder(endpoint: .messages, parameters: RequestParameters(model: "m"))
        #expect(throws: RetortError.self) { try builder.request(.messages(raw(messages))) }
    }

    @Test func aPlainCompletionTakesNoTools() throws {
        let builder = try RequestBuilder(endpoint: .completions, parameters: RequestParameters(model: "m"))
        let limit = BodyMember(name: "max_completion_tokens", value: raw("3"))
        #expect(
            text(try builder.request(.prompt(raw(#""x""#)), members: [limit]))
                == #"{"model":"m","max_tokens":3,"prompt":"x"}"#)
        for name in ["tools", "tool_choice", "parallel_tool_calls", "reasoning_effort"] {
            #expect(throws: RetortError.self) {
                try builder.request(.prompt(raw(#""x""#)), members: [BodyMember(name: name, value: raw("[]"))])
            }
        }
    }

    @Test func estimatesTokens() {
        let request = ModelRequest(path: "/", body: Array(repeating: 0x20, count: 401))
        #expect(TokenEstimate.tokens(of: request, completionTokensMax: 100) == 201)
        #expect(TokenEstimate.tokens(of: request, completionTokensMax: nil) == 101 + 512)
    }
}
