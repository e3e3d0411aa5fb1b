import Basics
import CommandLine
import JSONText
import ModelAPI
import Testing

@testable import Dataset
@testable import Distillation

struct AnswerCheckTests {
    private func answer(_ text: String, finish: String = "") -> ModelAnswer {
        var raw: [UInt8] = []
        JSONString.append(text, to: &raw)
        return ModelAnswer(body: [], responseRaw: raw[...], finishReason: finish)
    }

    private func judge(
        _ text: String, _ schema: String?, repairs: Bool = false, finish: String = ""
    ) throws -> String {
        let check = try AnswerCheck(schema: schema.map { Array($0.utf8) }, name: "s", repairs: repairs)
        switch check.stage.judge(
            answer(text, finish: finish), of: AskedRequest(ModelRequest(path: "", body: [])), with: JSONParser())
        {
        case .accept(let answer):
            return answer.valueFound + " " + String(decoding: answer.valueRaw ?? [], as: UTF8.self)
        case .reject(let failureClass, let message), .ask(_, let failureClass, let message):
            return failureClass.rawValue + " " + message
        }
    }

    @Test(arguments: [
        (#"{"a":1}"#, #"whole {"a":1}"#),
        ("Sure:\n```json\n{\"a\": 1e0}\n```", #"first {"a": 1e0}"#),
        ("As [2] says {\"a\":1}", #"brackets {"a":1}"#),
        ("none", "invalid_output the answer holds no JSON value"),
        (
            #"{"a":"x"}"#,
            #"invalid_output the answer does not fit the schema: /a: expected a number, found the string "x""#
        ),
    ])
    func theValueIsFoundAndChecked(_ text: String, _ verdict: String) throws {
        let schema = #"{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}"#
        #expect(try judge(text, schema) == verdict)
    }

    @Test(arguments: [
        ("{'a': 1,}", "", #"repaired {"a": 1}"#), (#"{"a": 1,}"#, "length", #"repaired {"a": 1}"#),
        (#"{"a": 1"#, "stop", #"repaired {"a": 1}"#), (#"{"a": 1"#, "tool_calls", #"repaired {"a": 1}"#),
        // It may be 17.
        (#"{"a": 1"#, "length", "invalid_output the answer holds no JSON value"),
        (#"{"a": 1"#, "", "invalid_output the answer holds no JSON value"),
        (
            "{'a': 1}, or [1]", "stop",
            "invalid_output the answer does not fit the schema: the value: expected an object, found an array"
        ),
        (
            "{'a': 'x',}", "stop",
            #"invalid_output the answer does not fit the schema: /a: expected a number, found the string "x""#
        ),
        (#"{"a":1}"#, "stop", #"whole {"a":1}"#), ("{'b': 1} {'a': 2}", "", #"repaired {"a": 2}"#),
    ])
    func whatIsNearlyJSONIsRepaired(_ text: String, _ finish: String, _ verdict: String) throws {
        let schema = #"{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}"#
        #expect(try judge(text, schema, repairs: true, finish: finish) == verdict)
        #expect(try judge(text, schema, finish: finish).hasPrefix("repaired") == false)
    }

    @Test func anyValueWillDoWithoutASchema() throws { #expect(try judge("[1]", nil) == "whole [1]") }

    @Test func theServerIsToldInTheFormOfTheEndpoint() throws {
        func told(_ schema: String?, _ endpoint: RequestBuilder.Endpoint) throws -> String {
            var parameters = RequestParameters(model: "m")
            try AnswerCheck(schema: schema.map { Array($0.utf8) }, name: "s").tell(
                by: .responseFormat, in: &parameters, endpoint: endpoint)
            let format = parameters.responseFormat ?? parameters.extra.first?.value ?? []
            return String(decoding: format, as: UTF8.self)
        }
        let strict = #"{"type":"object","properties":{},"additionalProperties":false}"#
        #expect(
            try told(strict, .chat)
                == #"{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":\#(strict)}}"#)
        #expect(try told(#"{"type":"array"}"#, .chat).contains(#""strict":false"#))
        #expect(try told(nil, .chat) == #"{"type":"json_object"}"#)
        #expect(try told(strict, .messages) == #"{"format":{"type":"json_schema","schema":\#(strict)}}"#)
        #expect(try told(nil, .messages).isEmpty)
    }

    @Test func aFormatOfTheUsersOwnStays() throws {
        var parameters = RequestParameters(model: "m")
        parameters.responseFormat = Array("{}".utf8)
        try AnswerCheck(schema: nil, name: "s").tell(by: .responseFormat, in: &parameters, endpoint: .chat)
        #expect(parameters.responseFormat == Array("{}".utf8))
    }
}

/// Answers that do not match the schema are sent back as long as corrections are left.
@Suite struct CorrectionTests {
    private func judge(_ corrections: Int, body: String = #"{"messages":[{"role":"user","content":"q"}]}"#) throws
        -> StageVerdict
    {
        let schema = Array(#"{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}}}"#.utf8)
        let check = try AnswerCheck(schema: schema, name: "s", corrections: 2)
        let answer = ModelAnswer(body: [], responseRaw: Array(#""{\"a\":\"x\"}""#.utf8)[...])
        let asked = AskedRequest(ModelRequest(path: "", body: Array(body.utf8)), corrections: corrections)
        return check.stage.judge(answer, of: asked, with: JSONParser())
    }

    @Test(arguments: [0, 1])
    func theErrorsGoIntoTheNextTurn(corrections: Int) throws {
        guard case .ask(let next, .invalidOutput, let message) = try judge(corrections) else {
            Issue.record("not asked again")
            return
        }
        #expect(message.contains("/a"))
        let turns = try JSONParser().parse(next.body).root["messages"]!.elements
        #expect(turns.count == 3 && turns[1]["role"]?.string == "assistant")
        let text = turns[2]["content"]?.string ?? ""
        #expect(text.hasPrefix("The answer does not fit the schema: ") && text.contains("/a"))
    }

    @Test func theLastCorrectionIsFinal() throws {
        guard case .reject(.invalidOutput, _) = try judge(2) else {
            Issue.record("not rejected")
            return
        }
    }

    @Test func aPlainCompletionCannotBeCorrected() throws {
        guard case .reject = try judge(0, body: #"{"prompt":"q"}"#) else {
            Issue.record("not rejected")
            return
        }
    }
}
