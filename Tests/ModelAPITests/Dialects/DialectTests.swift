import Basics
import JSONText
import Testing

@testable import ModelAPI

/// Compares each dialect with a table of its expected results for common inputs.
@Suite struct DialectTests {
    typealias Endpoint = RequestBuilder.Endpoint

    private static func raw(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

    /// A dialect's result for a case: a body, or `refused: ` and the message.
    private static func made(_ endpoint: Endpoint, _ input: DialectCase) -> String {
        do throws(RetortError) {
            var parameters = RequestParameters(model: "m")
            input.change(&parameters, endpoint.dialect)
            let builder = try RequestBuilder(endpoint: endpoint, parameters: parameters)
            let members = input.members.map { BodyMember(name: $0.name, value: raw($0.value)) }
            let request = try builder.request(input.input, members: members, with: JSONParser())
            return String(decoding: request.body, as: UTF8.self)
        } catch {
            return "refused: \(error.message)"
        }
    }

    private static func expected(_ endpoint: Endpoint) -> [String: String] {
        switch endpoint {
        case .chat: openAIChatBodies
        case .completions: openAICompletionsBodies
        case .infill: llamaInfillBodies
        case .responses: openAIResponsesBodies
        case .messages: anthropicMessagesBodies
        }
    }

    @Test(arguments: Endpoint.allCases) func everyCaseHasItsBody(endpoint: Endpoint) {
        let table = Self.expected(endpoint)
        #expect(Set(table.keys) == Set(DialectCase.all.map(\.name)))
        for input in DialectCase.all {
            let made = Self.made(endpoint, input)
            #expect(made == table[input.name], "\(endpoint.rawValue), \(input.name)")
            if !made.hasPrefix("refused: ") { #expect((try? JSONParser().parse(made)) != nil, "\(input.name)") }
        }
    }

    /// No two members of a body have the same name.
    @Test(arguments: Endpoint.allCases) func eachNameIsGivenOnce(endpoint: Endpoint) throws {
        for input in DialectCase.all {
            let made = Self.made(endpoint, input)
            guard let root = try? JSONParser().parse(made).root else { continue }
            let names = root.members.map { $0.key.string ?? "" }
            #expect(Set(names).count == names.count, "\(input.name): \(names)")
        }
    }

    @Test(arguments: Endpoint.allCases) func anAnswersLimitIsFoundInTheBody(endpoint: Endpoint) throws {
        let parser = JSONParser()
        for change in [\RequestParameters.maxTokens, \.maxCompletionTokens] as [WritableKeyPath<_, Int?>] {
            var parameters = RequestParameters(model: "m")
            parameters[keyPath: change] = 321
            let request = try RequestBuilder(endpoint: endpoint, parameters: parameters).request(
                .prompt(Self.raw("\"p\"")))
            #expect(request.completionTokensMax(in: try parser.parse(request.body).root) == 321)
            #expect(request.path == endpoint.dialect.path)
        }
    }

    @Test func aLimitOfAnotherApiIsNone() throws {
        func limit(_ path: String, _ body: String) throws -> Int? {
            ModelRequest(path: path, body: Array(body.utf8)).completionTokensMax(in: try JSONParser().parse(body).root)
        }
        #expect(try limit("/chat/completions", #"{"max_output_tokens":5}"#) == nil)
        #expect(try limit("/responses", #"{"max_tokens":5}"#) == nil)
        #expect(try limit("/openai/v1/responses?api-version=preview", #"{"max_output_tokens":5}"#) == 5)
        #expect(try limit("/fim/completions", #"{"max_tokens":5}"#) == 5)
        #expect(try limit("/other", #"{"max_tokens":4,"max_completion_tokens":5}"#) == 5)
    }

    @Test(arguments: Endpoint.allCases) func aBatchRowGoesAsItIs(endpoint: Endpoint) throws {
        let builder = try RequestBuilder(endpoint: endpoint, parameters: RequestParameters(model: "m"))
        let body = #"{ "model" : "x", "input":"q\ud800" }"#
        for (url, path) in [
            ("/v1/responses", "/responses"), ("/v1/chat/completions", "/chat/completions"),
            ("/v1/completions", "/completions"), ("/v1/messages", "/v1/messages"),
        ] {
            let request = try builder.request(.batchRow(url: url, body: Self.raw(body)))
            #expect(request.path == path && request.body == Array(body.utf8))
        }
        #expect(throws: Never.self) { try builder.checkBatch(endpoint.dialect.batchURL) }
        let other = endpoint == .messages ? "/v1/responses" : "/v1/messages"
        #expect(throws: RetortError.self) { try builder.checkBatch(other) }
    }

    @Test(arguments: Endpoint.allCases) func aFingerprintIsOfTheWholeBody(endpoint: Endpoint) throws {
        let builder = try RequestBuilder(endpoint: endpoint, parameters: RequestParameters(model: "m"))
        let parser = JSONParser()
        for input in DialectCase.all where input.members.isEmpty {
            guard let request = try? builder.request(input.input, with: parser) else { continue }
            #expect(try builder.fingerprint(request, with: parser) == parser.valueHash(request.body), "\(input.name)")
        }
    }

    @Test(arguments: ResponsesRefusals.turns) func whatResponsesCannotTakeIsRefused(messages: String) throws {
        let builder = try RequestBuilder(endpoint: .responses, parameters: RequestParameters(model: "m"))
        #expect(throws: RetortError.self) { try builder.request(.messages(Self.raw(messages))) }
    }

    @Test func aFileIsADocumentOfAnthropics() throws {
        let builder = try RequestBuilder(endpoint: .messages, parameters: RequestParameters(model: "m"))
        func body(_ data: String) throws -> String {
            let part = #"{"type":"file","file":{"filename":"a.pdf","file_data":"\#(data)"}}"#
            let messages = #"[{"role":"user","content":[\#(part)]}]"#
            return String(decoding: try builder.request(.messages(Self.raw(messages))).body, as: UTF8.self)
        }
        let source = #"{"type":"base64","media_type":"application/pdf","data":"AA=="}"#
        #expect(
            try body("data:application/pdf;base64,AA==").contains(#"[{"type":"document","source":\#(source)}]"#))
        #expect(try body("https://x/a.pdf").contains(#""source":{"type":"url","url":"https://x/a.pdf"}"#))
        #expect(throws: RetortError.self) { _ = try body("file:///a.pdf") }
    }

    @Test func whatTheProviderKeepsIsTheUsersChoice() throws {
        var parameters = RequestParameters(model: "m")
        #expect(try OpenAIResponses().members(of: parameters, defaults: false).map(\.name) == ["model"])
        parameters.extra = [("store", Array("true".utf8))]
        let request = try RequestBuilder(endpoint: .responses, parameters: parameters).request(
            .prompt(Self.raw("\"p\"")))
        #expect(String(decoding: request.body, as: UTF8.self) == #"{"store":true,"model":"m","input":"p"}"#)
    }
}

/// Turns that have no form in the Responses API.
enum ResponsesRefusals {
    static let turns = [
        #"[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]"#,
        #"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///x"}}]}]"#,
        #"[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]"#,
        #"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c"}]}]"#,
        #"[{"role":"user","content":[{"type":"text"}]}]"#,
        #"[{"role":"tool","content":"x"}]"#, #"[{"role":"critic","content":"x"}]"#, #"[{"role":"user"}]"#,
        #"[{"role":"user","content":"x","video":{}}]"#,
        #"[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}]"#,
        #"[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]"#,
        #"[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":3}}]}]"#,
        #"[{"role":"user","content":"x","tool_calls":[{"id":"c","function":{"name":"f"}}]}]"#,
    ]
}
