import JSONText
import RunTestSupport
import Testing

@testable import Reporting

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
        samples: Bool = false, target: ExportTarget = .trl, columns: Set<ExportColumn>? = nil
    ) throws -> String {
        let renderer = ExportRenderer(
            format: format, reasoning: reasoning, withIDs: ids, hasSamples: samples, target: target)
        let prepared = try renderer.prepare(ExportedRecord(try LivingFixture.parse(record)))
        let columns = ExportColumns(members: columns ?? prepared.columns)
        return LivingFixture.text(try renderer.line(prepared, columns))
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

    private static let call = #"{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"q\":1}"}}"#
    private static let tools =
        #"{"id":"t","messages":[{"role":"user","content":"u"}],"messages_json":"","tools":"[{\"type\":\"function\"}]","#
        + #""response":"","tool_calls":"[{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":{\"q\":1}}}]"}"#
    private static let turns =
        #"{"id":"t","messages":[{"role":"user","content":"u"},{"role":"assistant","content":null,"tool_calls":["#
        + call + #"]},{"role":"tool","tool_call_id":"c1","name":"f","content":"sunny"}],"response":"R"}"#

    @Test func toolTurnsPassThroughMessages() throws {
        let rest = #","name":null,"tool_calls":null,"tool_call_id":null}"#
        #expect(
            try line(Self.turns, .messages) == #"{"messages":[{"role":"user","content":"u""# + rest
                + #",{"role":"assistant","content":"","name":null,"tool_calls":["# + Self.call
                + #"],"tool_call_id":null},{"role":"tool","content":"sunny","name":"f","tool_calls":null,"#
                + #""tool_call_id":"c1"},{"role":"assistant","content":"R""# + rest + "]}")
        #expect(
            try line(Self.turns, .messages, target: .openai)
                == #"{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":null,"tool_calls":["#
                + Self.call + #"]},{"role":"tool","content":"sunny","name":"f","tool_call_id":"c1"},"#
                + #"{"role":"assistant","content":"R"}]}"#)
    }

    @Test func callsOfTheAnswerAndToolsPass() throws {
        #expect(
            try line(Self.tools, .messages) == #"{"messages":[{"role":"user","content":"u","tool_calls":null},"#
                + #"{"role":"assistant","content":"","tool_calls":["# + Self.call
                + #"]}],"tools":"[{\"type\":\"function\"}]"}"#)
        #expect(
            try line(Self.tools, .messages, target: .openai)
                == #"{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":null,"tool_calls":["#
                + Self.call + #"]}],"tools":[{"type":"function"}]}"#)
        #expect(try line(Self.tools, .openaiBatch).contains(#""content":"","tool_calls":["# + Self.call + "]}"))
        let others = try line(Self.chat, .messages, columns: [.toolCalls, .tools])
        #expect(others.hasSuffix(#"{"role":"assistant","content":"R","tool_calls":null}],"tools":null}"#))
        #expect(throws: LeftOut.late) { try line(Self.tools, .messages, columns: []) }
    }

    @Test func shareGPTHasItsOwnWordsForTools() throws {
        #expect(
            try line(Self.turns, .sharegpt)
                == #"{"conversations":[{"from":"human","value":"u"},{"from":"function_call","value":"#
                + #""{\"name\":\"f\",\"arguments\":{\"q\":1}}"},{"from":"observation","value":"sunny"},"#
                + #"{"from":"gpt","value":"R"}]}"#)
        #expect(
            try line(Self.tools, .sharegpt)
                == #"{"conversations":[{"from":"human","value":"u"},{"from":"function_call","value":"#
                + #""{\"name\":\"f\",\"arguments\":{\"q\":1}}"}],"tools":"[{\"type\":\"function\"}]"}"#)
        #expect(throws: LeftOut.toolCalls) { try line(Self.tools, .alpaca) }
        #expect(throws: LeftOut.toolCalls) { try line(Self.tools, .text) }
    }

    private static let items =
        #"{"id":"t","messages":[{"role":"user","content":[{"type":"input_text","text":"u"},{"type":"input_image","#
        + #""image_url":"https://u"}]},{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},"#
        + #"{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"q\":1}"},"#
        + #"{"type":"function_call_output","call_id":"c1","output":"sunny"},{"role":"assistant","content":[{"type":"#
        + #""output_text","text":"a"}]},{"role":"user","content":"v"}],"tools":"[{\"type\":\"function\",\"name\":\"f\","#
        + #"\"strict\":true}]","response":"","tool_calls":"[{\"type\":\"function_call\",\"id\":\"fc_2\",\"call_id\":"#
        + #"\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"q\\\":1}\"}]"}"#

    @Test func itemsOfResponsesAreTurns() throws {
        #expect(
            try line(Self.items, .messages, target: .openai)
                == #"{"messages":[{"role":"user","content":[{"type":"text","text":"u"},{"type":"image_url","image_url":"#
                + #"{"url":"https://u"}}]},{"role":"assistant","content":null,"tool_calls":["# + Self.call
                + #"]},{"role":"tool","content":"sunny","tool_call_id":"c1"},{"role":"assistant","content":"a"},"#
                + #"{"role":"user","content":"v"},{"role":"assistant","content":null,"tool_calls":["# + Self.call
                + #"]}],"tools":[{"type":"function","function":{"name":"f","strict":true}}]}"#)
        let search = #"{"id":"t","messages":[{"type":"web_search_call"},{"role":"user","content":"u"}],"response":"R"}"#
        #expect(throws: LeftOut.otherCalls) { try line(search, .messages) }
        let custom =
            #"{"id":"t","messages":[{"role":"user","content":"u"}],"response":"","tool_calls":"#
            + #""[{\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"f\",\"input\":\"x\"}]"}"#
        #expect(throws: LeftOut.otherCalls) { try line(custom, .messages) }
    }

    @Test(arguments: [
        (#"{"role":"assistant","content":"","function_call":{"name":"f"}}"#, LeftOut.otherCalls),
        (#"{"role":"assistant","content":null,"tool_calls":[{"type":"custom","custom":{}}]}"#, .otherCalls),
        (#"{"role":"assistant","content":null,"refusal":"no"}"#, .otherParts),
    ]) func turnsWithoutAPlaceAreLeftOut(turn: String, reason: LeftOut) {
        let record = #"{"id":"t","messages":[{"role":"user","content":"u"},\#(turn)],"response":"R"}"#
        #expect(throws: reason) { try line(record, .messages) }
    }

    @Test func emptyMembersSayNothing() throws {
        let turn = #"{"role":"assistant","content":"a","tool_calls":[],"refusal":null,"function_call":null,"date":1}"#
        let record = #"{"id":"t","messages":[\#(turn)],"response":"R"}"#
        #expect(try line(record, .messages).hasPrefix(#"{"messages":[{"role":"assistant","content":"a"},"#))
    }

    @Test func openAIKeepsParts() throws {
        let part = #"[{"type":"image_url","image_url":{"url":"u"}}]"#
        let record = #"{"id":"p","messages":[{"role":"user","content":\#(part)}],"response":"r"}"#
        #expect(try line(record, .messages, target: .openai).contains(#""content":"# + part))
    }

    @Test func whatHasNoFormIsLeftOut() throws {
        #expect(throws: LeftOut.unanswered) { try line(#"{"id":"e","prompt":"p","response":""}"#, .text) }
        #expect(throws: LeftOut.infill) { try line(Self.infill, .messages) }
        #expect(throws: LeftOut.notText) { try line(#"{"id":"o","prompt":[1,2],"response":"r"}"#, .text) }
    }
}
