import JSONText
import ModelAPI
import RunTestSupport
import Testing

@testable import Dataset
@testable import Distillation

@Suite struct RequestOverrideTests {
    private func apply(
        _ change: (inout RequestParameters) -> Void, _ endpoint: RequestBuilder.Endpoint = .chat, to body: String
    ) throws -> String? {
        var parameters = RequestParameters(model: "new")
        change(&parameters)
        let override = try RequestOverride(parameters, endpoint: endpoint)
        return override.applied(to: Array(body.utf8), with: JSONParser()).map { LivingFixture.text($0) }
    }

    @Test func replacesAMemberWhereItStandsAndKeepsTheRestAsWritten() throws {
        let body = #"{ "model" : "old", "n":1.50, "messages":[{"role":"user","content":"caf\u00e9 \ud800"}] }"#
        let changed = try apply({ _ in }, to: body)
        #expect(changed == #"{"model":"new","n":1.50,"messages":[{"role":"user","content":"caf\u00e9 \ud800"}]}"#)
    }

    @Test func appendsWhatTheBodyLacks() throws {
        let changed = try apply({ $0.temperature = 0.5 }, to: #"{"model":"old","messages":[]}"#)
        #expect(changed == #"{"model":"new","messages":[],"temperature":0.5}"#)
        #expect(try apply({ _ in }, to: "{}") == #"{"model":"new"}"#)
    }

    @Test func neverTouchesWhatWasAsked() throws {
        let changed = try apply({ $0.seed = 3 }, .completions, to: #"{"prompt":"p","suffix":"s"}"#)
        #expect(changed == #"{"prompt":"p","suffix":"s","model":"new","seed":3}"#)
    }

    @Test func leavesOutAnEndpointsOwnDefaults() throws {
        let body = #"{"model":"old","max_tokens":77,"messages":[]}"#
        #expect(try apply({ _ in }, .messages, to: body) == #"{"model":"new","max_tokens":77,"messages":[]}"#)
        #expect(
            try apply({ $0.maxTokens = 5 }, .messages, to: body) == #"{"model":"new","max_tokens":5,"messages":[]}"#)
    }

    @Test func keepsTheRestOfAnObjectThatSeveralParametersMake() throws {
        let body = #"{"store":true,"model":"old","reasoning":{"summary":"auto","effort":"low"},"input":"q"}"#
        #expect(
            try apply({ ($0.reasoningEffort, $0.maxTokens) = ("high", 9) }, .responses, to: body)
                == #"{"store":true,"model":"new","reasoning":{"summary":"auto","effort":"high"},"input":"q","#
                + #""max_output_tokens":9}"#)
    }

    @Test func refusesABodyThatIsNoObject() throws {
        #expect(try apply({ _ in }, to: "[]") == nil)
        #expect(try apply({ _ in }, to: "{") == nil)
    }
}
