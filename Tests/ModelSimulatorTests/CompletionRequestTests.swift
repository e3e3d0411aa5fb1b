import Testing

@testable import ModelSimulator

@Suite struct CompletionRequestTests {
    @Test func readsAChatRequest() throws {
        let request = try completionRequest(
            #"""
            {"model":"m\"x","messages":[{"role":"system","content":"1234"},{"role":"user","content":[
            {"type":"text","text":"12345678"},{"type":"image_url","image_url":{"url":"x"}}]}],"n":3,"max_tokens":7,
            "stop":["a\n","b"],"stream":true,"stream_options":{"include_usage":true},"seed":5,"temperature":null}
            """#)
        #expect(String(decoding: request.model, as: UTF8.self) == #"m\"x"#)
        #expect(request.promptBytes == 12)
        #expect(request.promptTokens == 3)
        #expect(request.topics.map { String(decoding: $0, as: UTF8.self) } == ["12345678"])
        #expect(request.choices == 3)
        #expect(request.tokensMax == 7)
        #expect(request.stops == [Array("a\n".utf8), Array("b".utf8)])
        #expect(request.streams && request.streamIncludesUsage)
        #expect(request.sampleSeed != 0)
    }

    @Test func theNewerNameOfTheLimitWins() throws {
        let request = try completionRequest(chat("x", #","max_tokens":7,"max_completion_tokens":9"#))
        #expect(request.tokensMax == 9)
    }

    @Test func readsPromptsOfEveryForm() throws {
        func topics(_ prompt: String) throws -> [String] {
            try completionRequest(#"{"model":"m","prompt":\#(prompt)}"#, .completions).topics
                .map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(try topics(#""one""#) == ["one"])
        #expect(try topics(#"["one","two"]"#) == ["one", "two"])
        #expect(try topics("[1,2,3]") == [""])
    }

    @Test func theItemIsWhatIsAskedAndNothingElse() throws {
        let item = try completionRequest(chat("a")).item
        #expect(try completionRequest(chat("a", #","temperature":0.1,"seed":4"#)).item == item)
        #expect(try completionRequest(chat("b")).item != item)
        let prompt = try completionRequest(#"{"model":"m","prompt":"p"}"#, .completions).item
        let infilled = try completionRequest(#"{"model":"m","prompt":"p","suffix":"s"}"#, .completions).item
        #expect(prompt != infilled)
        #expect(ModelSimulator.item(ofBody: Array(chat("a").utf8)) == item)
        #expect(ModelSimulator.item(ofBody: Array(#"{"model":"m","prompt":"p","suffix":"s"}"#.utf8)) == infilled)
        #expect(ModelSimulator.item(ofBody: Array("{".utf8)) == nil)
    }

    @Test(
        arguments: [
            (#"[]"#, nil), (#"{"messages":[{"role":"user","content":"x"}]}"#, "model"), (#"{"model":"m"}"#, "messages"),
            (#"{"model":"m","messages":[]}"#, "messages"), (#"{"model":"m","messages":[1]}"#, "messages"),
            (#"{"model":"m","messages":[{"content":"x"}]}"#, "messages"), (chat("x", #","n":0"#), "n"),
            (chat("x", #","max_tokens":"7""#), "max_tokens"), (chat("x", #","max_tokens":0"#), "max_tokens"),
            (chat("x", #","max_completion_tokens":1.5"#), "max_completion_tokens"), (chat("x", #","stop":5"#), "stop"),
            (chat("x", #","stream":"yes""#), "stream"),
            (chat("x", #","response_format":{"type":"xml"}"#), "response_format"),
        ] as [(String, String?)])
    func refusesWhatTheApiWouldRefuse(body: String, param: String?) {
        #expect {
            try completionRequest(body)
        } throws: { error in
            guard let error = error as? APIError else { return false }
            return error.status == 400 && error.type == "invalid_request_error" && error.param == param
        }
    }

    @Test func aPromptIsNeededForCompletions() {
        for body in [#"{"model":"m"}"#, #"{"model":"m","prompt":[]}"#, #"{"model":"m","prompt":7}"#] {
            #expect(throws: APIError.self, "\(body)") { try completionRequest(body, .completions) }
        }
    }
}
