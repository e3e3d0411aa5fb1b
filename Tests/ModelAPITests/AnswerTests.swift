import Basics
import JSONText
import Testing

@testable import ModelAPI

func reply(_ body: String, status: Int = 200, headers: [(name: String, value: String)] = []) -> ModelReply {
    ModelReply(status: status, body: Array(body.utf8), headers: headers)
}

func classify(_ reply: ModelReply, _ classifier: Classifier = Classifier()) -> Verdict {
    classifier.classify(.success(reply), with: JSONParser())
}

struct NoAnswer: Error { let verdict: Verdict }

func answer(_ body: String, _ classifier: Classifier = Classifier()) throws -> ModelAnswer {
    let verdict = classify(reply(body), classifier)
    guard case .answer(let answer) = verdict else { throw NoAnswer(verdict: verdict) }
    return answer
}

func string(_ raw: ArraySlice<UInt8>) -> String { String(decoding: raw, as: UTF8.self) }

@Suite struct AnswerTests {
    @Test func readsAChatAnswerWithoutDecodingIt() throws {
        let body = """
            {"id":"1","model":"teacher-1","choices":[{"index":0,"message":{"role":"assistant","content":"a\\ud83d\\u00e9\\n",
            "reasoning_content":"hm\\t"},"finish_reason":"length"}],"usage":{"prompt_tokens":11,"completion_tokens":22,
            "total_tokens":33,"completion_tokens_details":{"reasoning_tokens":5},"prompt_tokens_details":{"cached_tokens":7}}}
            """
        let answer = try answer(body)
        #expect(string(answer.responseRaw) == #""a\ud83d\u00e9\n""#)
        #expect(string(answer.reasoningRaw) == #""hm\t""#)
        #expect(answer.finishReason == "length" && string(answer.modelRaw) == #""teacher-1""#)
        #expect(answer.usage == TokenUsage(prompt: 11, completion: 22, reasoning: 5, cached: 7))
        #expect(answer.toolCallsRaw == nil && string(answer.body[...]) == body)
    }

    @Test func readsTheOtherSpellings() throws {
        let other = try answer(
            #"{"choices":[{"message":{"content":"x","reasoning_content":null,"reasoning":"why"}}],"usage":{"prompt_cache_hit_tokens":3}}"#
        )
        #expect(string(other.reasoningRaw) == #""why""#)
        #expect(other.usage.cached == 3 && other.finishReason.isEmpty && string(other.modelRaw) == "\"\"")
        let completion = try answer(#"{"choices":[{"text":"t","finish_reason":"stop"}]}"#)
        #expect(string(completion.responseRaw) == #""t""# && completion.finishReason == "stop")
    }

    @Test func joinsParts() throws {
        let parts = #"[{"type":"text","text":"a\n"},{"type":"image"},{"type":"text","text":"b"}]"#
        #expect(
            string(try answer(#"{"choices":[{"message":{"content":\#(parts)}}]}"#).responseRaw) == #""a\nb""#)
    }

    @Test func nullIsEmptyAndToolCallsAreKept() throws {
        let calls = #"[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]"#
        let answer = try answer(
            #"{"choices":[{"message":{"content":null,"tool_calls":\#(calls)},"finish_reason":"tool_calls"}]}"#)
        #expect(string(answer.responseRaw) == "\"\"")
        #expect(answer.toolCallsRaw.map(string) == calls)
    }

    @Test func readsAnthropic() throws {
        let answer = try answer(
            """
            {"type":"message","model":"c","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"a"},
            {"type":"tool_use","id":"x"},{"type":"text","text":"b"}],"stop_reason":"max_tokens",
            "usage":{"input_tokens":10,"output_tokens":4,"cache_read_input_tokens":90}}
            """)
        #expect(string(answer.responseRaw) == #""ab""# && string(answer.reasoningRaw) == #""t""#)
        #expect(answer.finishReason == "length")
        #expect(answer.toolCallsRaw.map(string) == #"[{"type":"tool_use","id":"x"}]"#)
        #expect(answer.usage == TokenUsage(prompt: 100, completion: 4, cached: 90))
    }
}

@Suite struct EventStreamTests {
    private func stream(_ chunks: [String]) -> String {
        ": ping\r\n\r\n" + chunks.map { "data: \($0)\r\n\r\n" }.joined()
    }

    private func delta(_ members: String, _ more: String = "") -> String {
        #"{"model":"m","choices":[{"index":0,"delta":{\#(members)}\#(more)}]}"#
    }

    @Test func putsTheChunksTogether() throws {
        let answer = try answer(
            stream([
                delta(#""role":"assistant","content":"""#), delta(#""reasoning_content":"h""#),
                delta(#""reasoning_content":"m""#), delta(#""content":"a\ud83d""#), delta(#""content":"\ude00\n""#),
                delta("", #","finish_reason":"stop""#),
                #"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#, "[DONE]",
            ]))
        #expect(string(answer.responseRaw) == #""a\ud83d\ude00\n""# && string(answer.reasoningRaw) == #""hm""#)
        #expect(answer.finishReason == "stop" && string(answer.modelRaw) == #""m""#)
        #expect(answer.usage == TokenUsage(prompt: 1, completion: 2))
    }

    @Test func putsToolCallsTogether() throws {
        func call(_ index: Int, _ rest: String) -> String { delta(#""tool_calls":[{"index":\#(index),\#(rest)}]"#) }
        let answer = try answer(
            stream([
                call(0, #""id":"a","function":{"name":"f","arguments":"{\"x\":"}"#),
                call(1, #""id":"b","function":{"name":"g","arguments":"{}"}"#),
                call(0, #""function":{"arguments":"1}"}"#), "[DONE]",
            ]))
        let calls = try JSONParser().parse(try #require(answer.toolCallsRaw)).root.elements
        #expect(calls.map { $0["function"]?["name"]?.string } == ["f", "g"])
        #expect(calls.map { $0["function"]?["arguments"]?.string } == [#"{"x":1}"#, "{}"])
        #expect(calls.map { $0["id"]?.string } == ["a", "b"])
    }

    @Test func aStreamWithoutItsEndIsTriedAgain() {
        for body in [stream([delta(#""content":"a""#)]), stream([delta(#""content":"a""#)]) + "data: {\"cho"] {
            guard case .retry(.server, _, _) = classify(reply(body)) else {
                Issue.record("not retried: \(body)")
                continue
            }
        }
    }

    @Test func anErrorInTheStreamIsAnError() {
        let body = stream([delta(#""content":"a""#), #"{"error":{"message":"overloaded","code":503}}"#])
        guard case .retry(.server, let message, _) = classify(reply(body)) else {
            Issue.record("not retried")
            return
        }
        #expect(message.contains("overloaded"))
    }
}

@Suite struct ThinkTagsTests {
    private func split(_ content: String, reasoning: String = "") throws -> (String, String) {
        let answer = try answer(
            #"{"choices":[{"message":{"content":"\#(content)","reasoning_content":"\#(reasoning)"}}]}"#,
            Classifier(splitsThinking: true))
        return (string(answer.reasoningRaw), string(answer.responseRaw))
    }

    @Test(arguments: [
        (#"<think>\nwhy\n</think>\n\nbecause"#, #""why""#, #""because""#),
        (#"\n <think></think>a"#, "\"\"", #""a""#),
        (#"\u003cthink\u003ex\u003c\/think\u003e \u000ay"#, #""x""#, #""y""#),
        (#"opened by the template</think>\ny"#, #""opened by the template""#, #""y""#),
        (#"<think>a</think>b</think>c"#, #""a""#, #""b</think>c""#),
        (#"<think>never closed"#, "\"\"", #""<think>never closed""#),
        (#"plain"#, "\"\"", #""plain""#),
        (#"a \\u003c/think> b \\"#, "\"\"", #""a \\u003c/think> b \\""#),
        (#"<think>\ud83d\ude00\\</think>\"q\" \\ "#, #""\ud83d\ude00\\""#, #""\"q\" \\""#),
    ])
    func takesTheThinkingOut(content: String, reasoning: String, response: String) throws {
        let parts = try split(content)
        #expect(parts.0 == reasoning)
        #expect(parts.1 == response)
    }

    @Test func reasoningThatCameApartIsKept() throws {
        #expect(try split("<think>inner</think>a", reasoning: "outer") == (#""outer""#, #""a""#))
    }

    @Test func isOffUnlessAsked() throws {
        let body = #"{"choices":[{"message":{"content":"<think>a</think>b"}}]}"#
        #expect(string(try answer(body).responseRaw) == #""<think>a</think>b""#)
    }
}
