import JSONText

/// The request members that can specify the form of an answer. A server ignores those it does not support, as vLLM
/// ignores the older names.
public enum SchemaForm: String, Sendable, Hashable, CaseIterable {
    /// `response_format`, `text.format` or `output_config.format`.
    case responseFormat = "response-format"
    /// A tool that the model must call.
    case tool
    case structuredOutputs = "structured-outputs"
    case guidedJSON = "guided-json"

    /// The default: the newest form of each server.
    public static let usual: Set<SchemaForm> = [.responseFormat, .tool, .structuredOutputs]
}

/// The form that a request specifies for its answer.
struct WantedForm {
    enum Format {
        case text
        case jsonObject
        /// A JSON Schema that the answer should match, if the request has one.
        case jsonSchema(JSONValue?)
    }

    var format = Format.text
    /// The name of the tool whose call is the answer, still escaped.
    var tool: ArraySlice<UInt8>?

    /// A tool that must be called has precedence; of the other forms, the first supported one is used.
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

    /// The tool that the model must call, in any API's format: the one named by the tool choice, or the only tool if
    /// some call is required.
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
    /// Whether the answer should be JSON.
    var isJSON: Bool { if case .text = form.format { false } else { true } }
}
