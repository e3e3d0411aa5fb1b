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
        #expect(root["max_tokens"]?.int == RequestBuilder.anthropicTokensMaxDefault)
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

    @Test func theFingerprintFollowsTheBody() throws {
        let builder = try RequestBuilder(endpoint: .chat, parameters: RequestParameters(model: "m"))
        let one = RequestBuilder.fingerprint(try builder.request(.prompt(raw("\"a\""))))
        #expect(one == RequestBuilder.fingerprint(try builder.request(.prompt(raw("\"a\"")))))
        #expect(one != RequestBuilder.fingerprint(try builder.request(.prompt(raw("\"b\"")))))
    }

    @Test func estimatesTokens() {
        let request = ModelRequest(path: "/", body: Array(repeating: 0x20, count: 401))
        #expect(TokenEstimate.tokens(of: request, completionTokensMax: 100) == 201)
        #expect(TokenEstimate.tokens(of: request, completionTokensMax: nil) == 101 + 512)
    }
}
