import JSONText
import Testing

@testable import RetortCommands

@Suite struct ExportFormatTests {
    private static let chat = #"""
        {"id":"q\u00e91","sample":0,"messages":[{"role":"system","content":"S"},{"role":"user","content":"U \ud83d\ude00"}],\#
        "response":"R","reasoning":"why","finish_reason":"stop","model":"m","usage":{"prompt_tokens":3,\#
        "completion_tokens":4},"created":5}
        """#
    private static let completion = #"{"id":"c","prompt":"def f(","suffix":"","response":"x):","reasoning":""}"#
    private static let infill = #"{"id":"c","prompt":"a ","suffix":" c","response":"b","reasoning":""}"#

    private func line(
        _ record: String, _ format: ExportFormat, _ reasoning: ReasoningForm = .drop, ids: Bool = false,
        samples: Bool = false
    ) throws -> String {
        let renderer = ExportRenderer(format: format, reasoning: reasoning, withIDs: ids, hasSamples: samples)
        return LivingFixture.text(try renderer.line(ExportedRecord(try LivingFixture.parse(record))))
    }

    @Test func messages() throws {
        let turns = #"{"role":"system","content":"S"},{"role":"user","content":"U \ud83d\ude00"}"#
        #expect(
            try line(Self.chat, .messages) == #"{"messages":[\#(turns),{"role":"assistant","content":"R"}]}"#)
        #expect(
            try line(Self.chat, .messages, .keep)
                == #"{"messages":[\#(turns),{"role":"assistant","content":"R","reasoning_content":"why"}]}"#)
        #expect(
            try line(Self.chat, .messages, .think)
                == #"{"messages":[\#(turns),{"role":"assistant","content":"<think>\nwhy\n</think>\n\nR"}]}"#)
        #expect(
            try line(Self.completion, .messages)
                == #"{"messages":[{"role":"user","content":"def f("},{"role":"assistant","content":"x):"}]}"#)
    }

    @Test func anAbsentReasoningLeavesNoTags() throws {
        let record = #"{"id":"a","prompt":"p","response":"r","reasoning":""}"#
        #expect(try line(record, .text, .think) == #"{"text":"pr"}"#)
    }

    @Test func sharegpt() throws {
        let expected = #"""
            {"conversations":[{"from":"system","value":"S"},{"from":"human","value":"U \ud83d\ude00"},\#
            {"from":"gpt","value":"R"}]}
            """#
        #expect(try line(Self.chat, .sharegpt) == expected)
        #expect(try line(Self.chat, .sharegpt, .keep).hasSuffix(#"],"reasoning":"why"}"#))
    }

    @Test func alpaca() throws {
        #expect(
            try line(Self.chat, .alpaca)
                == #"{"instruction":"U \ud83d\ude00","input":"","output":"R","system":"S"}"#)
        #expect(try line(Self.infill, .alpaca) == #"{"instruction":"a ","input":" c","output":"b","system":""}"#)
        let long =
            #"{"id":"l","messages":[{"role":"user","content":"1"},{"role":"assistant","content":"2"},"#
            + #"{"role":"user","content":"3"}],"response":"4"}"#
        #expect(throws: LeftOut.severalTurns) { try line(long, .alpaca) }
        #expect(try line(long, .messages).contains(#"{"role":"assistant","content":"4"}"#))
    }

    @Test func text() throws {
        #expect(try line(Self.chat, .text) == #"{"text":"R"}"#)
        #expect(try line(Self.completion, .text) == #"{"text":"def f(x):"}"#)
        #expect(try line(Self.infill, .text) == #"{"text":"a b c"}"#)
        #expect(try line(Self.completion, .text, .keep) == #"{"text":"def f(x):","reasoning":""}"#)
    }

    @Test func openAIBatch() throws {
        let expected = #"""
            {"id":"q\u00e91","custom_id":"q\u00e91","response":{"status_code":200,"request_id":"","body":{\#
            "id":"q\u00e91","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":\#
            {"role":"assistant","content":"R"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,\#
            "completion_tokens":4,"total_tokens":7}}},"error":null}
            """#
        #expect(try line(Self.chat, .openaiBatch) == expected)
        #expect(try line(Self.chat, .openaiBatch, samples: true).contains(##""custom_id":"q\u00e91#0""##))
    }

    @Test func idsComeFirst() throws {
        #expect(try line(Self.completion, .text, ids: true) == #"{"id":"c","sample":0,"text":"def f(x):"}"#)
    }

    @Test func contentInPartsBecomesText() throws {
        func record(_ second: String) -> String {
            #"{"id":"p","messages":[{"role":"user","content":[{"type":"text","text":"a\n"},\#(second)]}],"response":"r"}"#
        }
        let text = record(#"{"type":"text","text":"b"}"#)
        #expect(try line(text, .messages).contains(#"{"role":"user","content":"a\nb"}"#))
        let image = record(#"{"type":"image_url","image_url":{"url":"u"}}"#)
        #expect(throws: LeftOut.notText) { try line(image, .messages) }
    }

    @Test func toolCallsHaveAPlaceInMessagesOnly() throws {
        let record = #"{"id":"t","messages":[{"role":"user","content":"u"}],"response":"","tool_calls":"[{\"id\":1}]"}"#
        #expect(
            try line(record, .messages).hasSuffix(
                #"{"role":"assistant","content":"","tool_calls":[{"id":1}]}]}"#))
        #expect(throws: LeftOut.toolCalls) { try line(record, .sharegpt) }
    }

    @Test func whatHasNoFormIsLeftOut() throws {
        #expect(throws: LeftOut.unanswered) { try line(#"{"id":"e","prompt":"p","response":""}"#, .text) }
        #expect(throws: LeftOut.infill) { try line(Self.infill, .messages) }
        #expect(throws: LeftOut.notText) { try line(#"{"id":"o","prompt":[1,2],"response":"r"}"#, .text) }
    }
}
