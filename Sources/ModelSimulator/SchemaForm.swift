import JSONText

/// The ways in which a request may say what its answer must be. A server that does not heed one ignores it, as vLLM ignores
/// the older of its names.
public enum SchemaForm: String, Sendable, Hashable, CaseIterable {
    /// `response_format`, `text.format` or `output_config.format`.
    case responseFormat = "response-format"
    /// A tool that the model is told to call.
    case tool
    case structuredOutputs = "structured-outputs"
    case guidedJSON = "guided-json"

    /// What is heeded unless it is said: the newest of each server.
    public static let usual: Set<SchemaForm> = [.responseFormat, .tool, .structuredOutputs]
}

/// What a request says of its answer's form.
struct WantedForm {
    enum Format {
        case text
        case jsonObject
        /// A JSON Schema the answer should follow, if the request gave one.
        case jsonSchema(JSONValue?)
    }

    var format = Format.text
    /// The name of the tool whose call is the answer, still escaped.
    var tool: ArraySlice<UInt8>?

    /// A tool that must be called comes before the other forms; of those the first one that is heeded counts.
    init(
        chat: JSONValue?, responses: JSONValue?, anthropic: JSONValue?, structured: JSONValue?, guided: JSONValue?,
        tools: JSONValue?, choice: JSONValue?, heeding heeded: Set<SchemaForm>
    ) throws(APIError) {
        let named = try Self.format(chat ?? responses?["format"] ?? anthropic?["format"])
        if heeded.contains(.tool), let (name, schema) = Self.forcedTool(tools, choice) {
            tool = name
            format = .jsonSchema(schema)
        } else if heeded.contains(.responseFormat), let named {
            format = named
        } else if heeded.contains(.structuredOutputs), let structured {
            format = structured["json"].map { .jsonSchema($0) } ?? .jsonObject
        } else if heeded.contains(.guidedJSON), let guided {
            format = .jsonSchema(guided)
        }
    }

    private static func format(_ value: JSONValue?) throws(APIError) -> Format? {
        guard let value else { return nil }
        switch value["type"]?.string {
        case "text": return .text
        case "json_object": return .jsonObject
        case "json_schema": return .jsonSchema(value["json_schema"]?["schema"] ?? value["schema"])
        default:
            throw .invalidRequest(
                "The format's type must be text, json_object or json_schema.", param: "response_format")
        }
    }

    /// The tool that the model must call, in the form of any API: the one that the choice names, or the only one where some
    /// call is required.
    private static func forcedTool(
        _ tools: JSONValue?, _ choice: JSONValue?
    ) -> (name: ArraySlice<UInt8>, schema: JSONValue?)? {
        guard let tools = tools?.elements, let choice, !tools.isEmpty else { return nil }
        let isRequired =
            ["required", "any"].contains(choice.string ?? choice["type"]?.string ?? "") && tools.count == 1
        let wanted = (choice["function"] ?? choice)["name"]?.rawStringContent
        for tool in tools {
            let function = tool["function"] ?? tool
            guard let name = function["name"]?.rawStringContent, isRequired || name == wanted else { continue }
            return (name, function["parameters"] ?? function["input_schema"])
        }
        return nil
    }
}

extension CompletionRequest {
    /// Whether the answer is to be JSON.
    var isJSON: Bool { if case .text = form.format { false } else { true } }
}
