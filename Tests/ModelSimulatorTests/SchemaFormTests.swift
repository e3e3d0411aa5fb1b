import Basics
import JSONText
import Testing

@testable import ModelSimulator

/// Which schema members of a request the server supports, and the injected faults of its JSON.
@Suite struct SchemaFormTests {
    private static let schema = #"{"type":"object","properties":{"w":{"enum":["quern"]}}}"#
    private static let wanted = #"{"w":"quern"}"#
    private static let tool =
        #""tools":[{"type":"function","function":{"name":"f","parameters":\#(schema)}}],"#
        + #""tool_choice":{"type":"function","function":{"name":"f"}}"#

    private func message(_ more: String, _ forms: Set<SchemaForm> = SchemaForm.usual) throws -> JSONValue {
        let bench = ResponderBench { $0.schemaForms = forms }
        let root = try json(bench.reply(chat("q", "," + more)).body)
        return try #require(root["choices"]?.firstElement)
    }

    @Test func theToolIsCalled() throws {
        let choice = try message(Self.tool)
        #expect(choice["finish_reason"]?.string == "tool_calls" && choice["message"]?["content"]?.kind == .null)
        let call = try #require(choice["message"]?["tool_calls"]?.firstElement?["function"])
        #expect(call["name"]?.string == "f" && call["arguments"]?.string == Self.wanted)
    }

    @Test(arguments: ["required", "any"]) func theOnlyToolIsCalledWhereSomeCallIsRequired(word: String) throws {
        let tools = #""tools":[{"name":"f","input_schema":\#(Self.schema)}],"tool_choice":"\#(word)""#
        #expect(try message(tools)["message"]?["tool_calls"] != nil)
    }

    @Test func aToolThatMayBeCalledIsNot() throws {
        #expect(
            try message(Self.tool.replacing(#"{"type":"function","function":{"name":"f"}}"#, with: #""auto""#))[
                "message"]?["tool_calls"] == nil)
    }

    @Test(arguments: [
        (SchemaForm.structuredOutputs, #""structured_outputs":{"json":\#(schema)}"#),
        (.guidedJSON, #""guided_json":\#(schema)"#),
        (.responseFormat, #""response_format":{"type":"json_schema","json_schema":{"schema":\#(schema)}}"#),
    ])
    func whatIsHeededIsFollowedAndTheRestIgnored(_ form: SchemaForm, _ more: String) throws {
        #expect(try message(more, [form])["message"]?["content"]?.string == Self.wanted)
        let others = Set(SchemaForm.allCases).subtracting([form])
        #expect(try message(more, others)["message"]?["content"]?.string != Self.wanted)
    }

    @Test func otherAPIsCallTheToolInTheirWay() throws {
        let bench = ResponderBench()
        let input = #"{"model":"m","input":"q","tools":[{"type":"function","name":"f","parameters":\#(Self.schema)}],"#
        let responses = try json(
            bench.reply(input + #""tool_choice":{"type":"function","name":"f"}}"#, .completion(.responses)).body)
        let item = try #require(responses["output"]?.firstElement)
        #expect(item["type"]?.string == "function_call" && item["arguments"]?.string == Self.wanted)
        let turns = #"{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"q"}],"tools":[{"name":"f","#
        let messages = try json(
            bench.reply(
                turns + #""input_schema":\#(Self.schema)}],"tool_choice":{"type":"tool","name":"f"}}"#,
                .completion(.messages)
            ).body)
        let block = try #require(messages["content"]?.firstElement)
        #expect(block["type"]?.string == "tool_use" && block["input"]?["w"]?.string == "quern")
        #expect(messages["stop_reason"]?.string == "tool_use")
    }

    @Test func streamsHoldTheCall() throws {
        let reply = ResponderBench().reply(chat("q", "," + Self.tool + #","stream":true"#))
        let text = String(decoding: reply.body, as: UTF8.self)
        let events = text.split(separator: "\n\n").map { $0.dropFirst(6) }.filter { $0 != "[DONE]" }
        var arguments = ""
        for event in events {
            let delta = try json(Array(event.utf8))["choices"]?.firstElement?["delta"]
            arguments += delta?["tool_calls"]?.firstElement?["function"]?["arguments"]?.string ?? ""
        }
        #expect(arguments == Self.wanted)
    }

    // MARK: Faulty JSON

    @Test func sharesHold() throws {
        let plan = try JSONFaultPlan(parsing: "prose=0.2,almost=0.3,broken=0.1")
        var counts: [JSONFault: Int] = [:]
        for item in 0..<10_000 {
            if let fault = plan.fault(item: UInt64(item), attempt: 1, seed: 3) { counts[fault, default: 0] += 1 }
        }
        for (fault, share) in plan.shares {
            #expect(abs(Double(counts[fault] ?? 0) / 10_000 - share) < 0.02, "\(fault)")
        }
        let differs = (1...100).contains {
            plan.fault(item: 1, attempt: $0, seed: 3) != plan.fault(item: 1, attempt: 1, seed: 3)
        }
        #expect(differs)
    }

    @Test(arguments: ["prose", "prose=2", "other=0.1", "prose=0.6,almost=0.6", ""])
    func sharesThatCannotBeReadAreRefused(text: String) {
        #expect(throws: RetortError.self) { try JSONFaultPlan(parsing: text) }
    }

    @Test func faultsBreakWhatTheyAreFor() throws {
        let value = Array(#"{"a":{"b":1},"c":2}"#.utf8)
        func text(_ fault: JSONFault, _ json: [UInt8]) -> String {
            String(decoding: fault.applied(to: json, with: JSONParser()), as: UTF8.self)
        }
        #expect(text(.broken, value) == #"{"a":{"b":1},"c":2"#)
        #expect(text(.almost, value) == #"{"a":"almost","c":2}"#)
        #expect(text(.almost, Array("[1]".utf8)) == #"{"almost":[1]}"#)
        #expect(text(.sloppy, value) == "{ // as asked\n\"a\":{\"b\":1},\"c\":2,}")
        #expect(text(.sloppy, Array("[]".utf8)) == "[ // as asked\n]" && text(.sloppy, Array("1".utf8)) == "1")
        #expect(text(.prose, value).contains("```json\n{\"a\":{\"b\":1},\"c\":2}\n```"))
    }
}
