import JSONText
import Testing

@testable import ModelAPI

@Suite struct StreamShapesTests {
    private func events(_ data: [String]) -> String { data.map { "data: \($0)\n\n" }.joined() + "data: [DONE]\n\n" }

    private func chunk(_ delta: String, choice: String = "", root: String = "") -> String {
        #"{"model":"m","choices":[{"index":0,"delta":{\#(delta)}\#(choice)}]\#(root)}"#
    }

    private let end = #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#

    @Test(arguments: [
        [#""reasoning_content":"wh""#, #""reasoning_content":"y","reasoning":"y""#],
        [#""reasoning":"wh""#, #""reasoning":"y""#],
        [#""thinking":"wh""#, #""thinking":"y""#],
        [
            #""reasoning_details":[{"type":"reasoning.text","text":"wh"}]"#,
            #""reasoning_details":[{"type":"reasoning.text","text":"y"}]"#,
        ],
        [
            #""content":[{"type":"thinking","thinking":[{"type":"text","text":"wh"}]}]"#,
            #""content":[{"type":"thinking","thinking":[{"type":"text","text":"y"}]}]"#,
        ],
    ])
    func reasoningInPiecesIsFound(deltas: [String]) throws {
        let answer = try answer(
            events(
                deltas.map { chunk($0) } + [
                    chunk(#""content":[{"type":"text","text":"a"}]"#), chunk(#""content":"b""#), end,
                ]))
        #expect(string(answer.reasoningRaw) == #""why""# && string(answer.responseRaw) == #""ab""#)
        #expect(answer.finishReason == "stop" && answer.otherRaw == nil && string(answer.modelRaw) == #""m""#)
    }

    @Test func everythingElseIsKept() throws {
        let answer = try answer(
            events([
                chunk(#""function_call":{"name":"f","arguments":"{"}"#), chunk(#""function_call":{"arguments":"}"}"#),
                chunk(#""content":"a""#, choice: #","logprobs":{"content":[{"token":"a"}]}"#),
                chunk(
                    #""content":"b""#, choice: #","logprobs":{"content":[{"token":"b"}]}"#, root: #","citations":["u"]"#
                ),
                chunk(#""audio":{"data":"AA"}"#), chunk(#""audio":{"data":"BB"}"#),
                #"{"choices":[{"index":1,"delta":{"content":"sec"}}]}"#,
                #"{"choices":[{"index":1,"delta":{"content":"ond"},"finish_reason":"length"}]}"#,
                end, #"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":8,"cost":0.5}}"#,
            ]))
        let other = try JSONParser().parse(try #require(answer.otherRaw)).root
        #expect(string(answer.responseRaw) == #""ab""# && answer.finishReason == "stop")
        #expect(other["function_call"]?["arguments"]?.string == "{}" && other["audio"]?.elements.count == 2)
        #expect(other["logprobs"]?["content"]?.elements.map { $0["token"]?.string } == ["a", "b"])
        #expect(other["choices"]?.firstElement?["message"]?["content"]?.string == "second")
        #expect(other["citations"] != nil && answer.usage == TokenUsage(prompt: 7, completion: 8))
        #expect(answer.costStatedNanodollars == 500_000_000 && answer.hasOtherContent)
    }

    @Test func callsAreToldApart() throws {
        func call(_ members: String) -> String { chunk(#""tool_calls":[{\#(members)}]"#) }
        // No index at all, then the same index for two calls, arguments as an object.
        let answer = try answer(
            events([
                call(#""id":"a","function":{"name":"f","arguments":"{}"}"#),
                call(#""id":"b","function":{"name":"g","arguments":{"x":1}},"extra_content":{"s":1}"#),
                call(#""index":5,"id":"c","function":{"name":"h","arguments":"[1"}"#),
                call(#""index":5,"function":{"arguments":"]"}"#),
                call(#""index":5,"id":"d","function":{"name":"i","arguments":""}"#), end,
            ]))
        let calls = try JSONParser().parse(try #require(answer.toolCallsRaw)).root.elements
        #expect(calls.map { $0["id"]?.string } == ["a", "b", "c", "d"])
        #expect(calls.map { $0["function"]?["arguments"]?.string } == ["{}", #"{"x":1}"#, "[1]", ""])
        #expect(calls[1]["extra_content"] != nil)
    }

    @Test func anthropicEventsArePutTogether() throws {
        let data = [
            #"{"type":"message_start","message":{"id":"x","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":5,"cache_read_input_tokens":2,"output_tokens":1}}}"#,
            #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            #"{"type":"ping"}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"why"}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
            #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"a\n"}}"#,
            #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}}"#,
            #"{"type":"content_block_stop","index":1}"#,
            #"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
            #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}"#,
            #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1}"}}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
            #"{"type":"message_stop"}"#,
        ]
        let body = data.map { "event: x\r\ndata: \($0)\r\n\r\n" }
        let answer = try answer(body.joined())
        #expect(string(answer.responseRaw) == #""a\nb""# && string(answer.reasoningRaw) == #""why""#)
        #expect(answer.toolCallsRaw.map(string) == #"[{"type":"tool_use","id":"t","name":"f","input":{"x":1}}]"#)
        #expect(answer.finishReason == "tool_calls" && answer.usage == TokenUsage(prompt: 7, completion: 9, cached: 2))
        #expect(answer.otherRaw.map(string) == #"{"content":[{"type":"thinking","signature":"s"}]}"#)
        #expect(word(classify(reply(body.dropLast(2).joined()))) == "retry server")
    }

    @Test func otherStreamsArePutTogether() throws {
        let bodies = [
            #"{"model":"m","message":{"role":"assistant","thinking":"why"},"done":false}"# + "\n"
                + #"{"model":"m","message":{"role":"assistant","content":"a"},"done":false}"# + "\n"
                + #"{"model":"m","message":{"role":"assistant","content":"b"},"done":true,"done_reason":"stop","eval_count":3}"#
                + "\n",
            #"data: {"candidates":[{"content":{"parts":[{"text":"why","thought":true}]}}],"modelVersion":"m"}"#
                + "\r\n\r\n"
                + #"data: {"candidates":[{"content":{"parts":[{"text":"ab"}]},"finishReason":"STOP"}],"usageMetadata":{"candidatesTokenCount":3}}"#
                + "\r\n\r\n",
            "event: response.output_text.delta\n" + #"data: {"type":"response.output_text.delta","delta":"a"}"#
                + "\n\nevent: response.completed\n"
                + #"data: {"type":"response.completed","response":{"model":"m","status":"completed","output":[{"type":"reasoning","summary":[{"text":"why"}]},{"type":"message","content":[{"type":"output_text","text":"ab"}]}],"usage":{"output_tokens":3}}}"#
                + "\n\n",
            #"data: {"model":"m","choices":[{"message":{"content":"ab","reasoning":"why"},"finish_reason":"stop"}],"usage":{"completion_tokens":3}}"#
                + "\n\n",
            "id: 1\rdata: {\"model\":\"m\",\rdata: \"choices\":[{\"delta\":{\"content\":\"ab\",\"reasoning\":\"why\"},\"finish_reason\":\"stop\"}],\"usage\":{\"completion_tokens\":3}}\r\r",
        ]
        for body in bodies {
            let answer = try answer(body)
            #expect(string(answer.responseRaw) == #""ab""# && string(answer.reasoningRaw) == #""why""#, "\(body)")
            #expect(
                answer.finishReason == "stop" && string(answer.modelRaw) == #""m""# && answer.usage.completion == 3,
                "\(body)")
        }
    }

    @Test func aStreamThatIsCutIsTriedAgainUnlessTheAnswerIsWhole() throws {
        let begun = events([chunk(#""content":"a""#)]).replacing("data: [DONE]\n\n", with: "")
        #expect(word(classify(reply(begun + "data: {\"choi"))) == "retry server")
        #expect(try string(answer(begun + "data: \(end)\n\ndata: {\"usa").responseRaw) == #""a""#)
    }
}
