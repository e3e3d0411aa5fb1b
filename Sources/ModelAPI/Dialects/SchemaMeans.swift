public import Basics
public import JSONText

/// How a schema is announced to the server. The raw values are the values of `--schema-by`.
public enum SchemaMeans: String, Sendable, CaseIterable {
    /// `response_format`, or the API's equivalent.
    case responseFormat = "response-format"
    /// A tool that the model must call: its arguments are the answer.
    case tool
    /// vLLM's `structured_outputs`.
    case structuredOutputs = "structured-outputs"
    /// `guided_json`, vLLM's name before 0.12. Later versions answer 200 and ignore it.
    case guidedJSON = "guided-json"
    /// Instructions after the row's prompt.
    case prompt
    case none

    /// Whether the server gets the schema in OpenAI's form, which has a strict mode.
    public var hasStrictMode: Bool { self == .responseFormat || self == .tool }
}

/// The tool whose call is the answer.
public enum AnswerTool {
    public static let name = "submit_answer"
    static let about = "Takes the answer."

    /// The arguments of its first call, as JSON text; nil if it is not called.
    ///
    /// - Parameter calls: an array of calls in the form of any API.
    public static func arguments(in calls: ArraySlice<UInt8>, with parser: JSONParser) -> [UInt8]? {
        guard !calls.isEmpty, let root = try? parser.parse(calls).root else { return nil }
        for call in root.elements {
            let function = call["function"] ?? call
            guard function["name"]?.string == name else { continue }
            let given = function["arguments"] ?? function["input"]
            return given?.stringBytes ?? given.map { Array($0.raw) } ?? []
        }
        return nil
    }
}

extension ModelAnswer {
    /// The text of the answer: the arguments of the answer's tool if the model called it, else the response.
    public func answerText(with parser: JSONParser) -> [UInt8] {
        toolCallsRaw.flatMap { AnswerTool.arguments(in: $0, with: parser) }
            ?? JSONString.unescape(responseRaw.dropFirst().dropLast())
    }
}

extension Dialect {
    /// The means that the API may have, most reliable first; a server may still ignore them.
    public var schemaMeans: [SchemaMeans] {
        SchemaMeans.allCases.filter { means in
            switch means {
            case .tool: forcedTool(Self.anyObject, isStrict: false) != nil
            case .structuredOutputs, .guidedJSON: provider == .openAI
            default: true
            }
        }
    }

    private static var anyObject: [UInt8] { Array(#"{"type":"object"}"#.utf8) }

    /// Announces the schema to the server, unless the parameters already have one: JSON that fits `schema`, or any
    /// JSON. `isStrict`: whether the schema is within the subset that OpenAI's strict mode accepts. Instructions are
    /// not parameters: see `AddedInstructions`.
    ///
    /// Throws `.configuration` if the API does not have such means.
    public func tell(
        schema: [UInt8]?, isStrict: Bool, by means: SchemaMeans, in parameters: inout RequestParameters
    ) throws(RetortError) {
        guard schemaMeans.contains(means) else {
            throw RetortError(
                .configuration, "\(name) cannot be sent a schema by \(means.rawValue)",
                remedy: "Give --schema-by with one of \(schemaMeans.map(\.rawValue).joined(separator: ", ")).")
        }
        func add(_ name: String, _ value: [UInt8]) {
            if !parameters.extra.contains(where: { $0.name == name }) { parameters.extra.append((name, value)) }
        }
        switch means {
        case .responseFormat: tell(schema: schema, isStrict: isStrict, in: &parameters)
        case .tool:
            let own = parameters.extra.first { $0.name == "tools" || $0.name == "tool_choice" }
            if let own {
                throw RetortError(
                    .configuration, "--param \(own.name) and --schema-by tool are two answers to one question",
                    remedy: "Give another --schema-by.")
            }
            for (name, value) in forcedTool(schema ?? Self.anyObject, isStrict: isStrict) ?? [] { add(name, value) }
        case .structuredOutputs:
            let object = schema.map { Array(#"{"json":"#.utf8) + $0 + Array("}".utf8) }
            add("structured_outputs", object ?? Array(#"{"json_object":true}"#.utf8))
        case .guidedJSON: add("guided_json", schema ?? Self.anyObject)
        case .prompt, .none: break
        }
    }

    public func forcedTool(_ schema: [UInt8], isStrict: Bool) -> [(name: String, value: [UInt8])]? {
        let head =
            #"[{"type":"function","function":{"name":"\#(AnswerTool.name)","description":"\#(AnswerTool.about)","#
        let tool = Array((head + #""strict":\#(isStrict),"parameters":"#).utf8) + schema + Array("}}]".utf8)
        let choice = #"{"type":"function","function":{"name":"\#(AnswerTool.name)"}}"#
        return [("tools", tool), ("tool_choice", Array(choice.utf8))]
    }
}
