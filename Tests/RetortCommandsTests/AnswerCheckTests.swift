import Basics
import CommandLine
import JSONText
import ModelAPI
import Testing

@testable import RetortCommands

struct AnswerCheckTests {
    private func answer(_ text: String) -> ModelAnswer {
        var raw: [UInt8] = []
        JSONString.append(text, to: &raw)
        return ModelAnswer(body: [], responseRaw: raw[...])
    }

    private func judge(_ text: String, _ schema: String?) throws -> String {
        let check = try AnswerCheck(schema: schema.map { Array($0.utf8) }, name: "s")
        switch check.stage.judge(answer(text), with: JSONParser()) {
        case .accept(let answer):
            return answer.valueFound + " " + String(decoding: answer.valueRaw ?? [], as: UTF8.self)
        case .reject(let failureClass, let message): return failureClass.rawValue + " " + message
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

    @Test func anyValueWillDoWithoutASchema() throws { #expect(try judge("[1]", nil) == "whole [1]") }

    @Test func theServerIsToldInTheFormOfTheEndpoint() throws {
        func told(_ schema: String?, _ endpoint: RequestBuilder.Endpoint) throws -> String {
            var parameters = RequestParameters(model: "m")
            try AnswerCheck(schema: schema.map { Array($0.utf8) }, name: "s").ask(in: &parameters, endpoint: endpoint)
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
        try AnswerCheck(schema: nil, name: "s").ask(in: &parameters, endpoint: .chat)
        #expect(parameters.responseFormat == Array("{}".utf8))
    }
}
