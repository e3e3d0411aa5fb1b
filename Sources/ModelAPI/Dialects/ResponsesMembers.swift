internal import Basics
internal import JSONText

/// Converts a chat's members to the names of the Responses API. Names that only this API has stay unchanged.
struct ResponsesMembers {
    private let parser: JSONParser
    private(set) var members: [BodyMember] = []
    private var hasCompletionLimit = false

    init(parser: JSONParser) { self.parser = parser }

    private static let limit = "max_output_tokens"
    private static let logprobs = Array(#"["message.output_text.logprobs"]"#.utf8)[...]

    /// Throws `.configuration` for tools of another API.
    mutating func add(_ member: BodyMember) throws(RetortError) {
        let value = member.value
        switch member.name {
        case "max_tokens": if !hasCompletionLimit { put(Self.limit, value) }
        case "max_completion_tokens":
            hasCompletionLimit = true
            put(Self.limit, value)
        case "reasoning_effort": put("reasoning", part("effort", value))
        case "verbosity": put("text", part("verbosity", value))
        case "response_format": put("text", part("format", format(value)))
        case "logprobs": if value.elementsEqual("true".utf8) { put("include", Self.logprobs) }
        case "tools": put("tools", try tools(value))
        case "tool_choice": put("tool_choice", choice(value))
        default: put(member.name, value)
        }
    }

    /// Sets a member. Objects and lists keep the parts that the new value does not set.
    mutating func put(_ name: String, _ value: ArraySlice<UInt8>) {
        guard let place = members.firstIndex(where: { $0.name == name }) else {
            return members.append(BodyMember(name: name, value: value))
        }
        switch name {
        case "reasoning", "text":
            members[place].value = JSONMerge.objects(members[place].value, value, with: parser)
        case "include": members[place].value = joined(members[place].value, value)
        default: members[place].value = value
        }
    }

    private func part(_ name: String, _ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        JSONMerge.object([BodyMember(name: name, value: value)])
    }

    private func joined(_ list: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let first = try? parser.parse(list).root, let second = try? parser.parse(other).root,
            first.kind == .array, second.kind == .array
        else { return other }
        return Self.list((first.elements + second.elements).map(\.raw))
    }

    private static func list(_ values: [ArraySlice<UInt8>]) -> ArraySlice<UInt8> {
        ([UInt8(ascii: "[")] + values.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")])[...]
    }

    /// A chat's format with the members of its `json_schema` beside the type.
    private func format(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        flat(value, "json_schema", adding: [])
    }

    /// An object whose member `name` is an object: that one's members replace it. Others stay unchanged.
    private func flat(
        _ value: ArraySlice<UInt8>, _ name: String, adding defaults: [BodyMember]
    ) -> ArraySlice<UInt8> {
        guard let outer = JSONMerge.object(value, parser), let nested = outer.first(where: { $0.name == name }),
            let inner = JSONMerge.object(nested.value, parser)
        else { return value }
        let rest = outer.filter { $0.name != name }
        let taken = Set((rest + inner).map(\.name))
        return JSONMerge.object(rest + inner + defaults.filter { !taken.contains($0.name) })
    }

    /// Functions of a chat become flat. They are not made strict, the default here, unless requested.
    private func tools(_ value: ArraySlice<UInt8>) throws(RetortError) -> ArraySlice<UInt8> {
        guard let root = try? parser.parse(value).root, root.kind == .array else { return value }
        var list: [ArraySlice<UInt8>] = []
        for tool in root.elements {
            let kind = tool["type"]?.string
            if let function = tool["function"], function.kind == .object {
                guard function["name"]?.kind == .string else {
                    throw RetortError(
                        .configuration, "a tool of the row has no name", remedy: "Give each function a name.")
                }
                let typed = kind == nil ? JSONMerge.objects(Self.functionType, tool.raw, with: parser) : tool.raw
                list.append(flat(typed, "function", adding: Self.functionDefaults))
            } else if kind == "custom", let custom = tool["custom"], custom.kind == .object {
                list.append(flatCustom(tool.raw))
            } else if kind != nil, tool["input_schema"] == nil {
                list.append(tool.raw)
            } else {
                throw RetortError(
                    .configuration, "a tool of the row has no form in OpenAI's Responses API",
                    cause: tool["input_schema"] == nil
                        ? "it has no type" : "it has an input_schema, as Anthropic's have",
                    remedy: "Write it as OpenAI's function: type, name, parameters.")
            }
        }
        return Self.list(list)
    }

    private func flatCustom(_ tool: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard var members = JSONMerge.object(flat(tool, "custom", adding: []), parser) else { return tool }
        for index in members.indices where members[index].name == "format" {
            members[index].value = flat(members[index].value, "grammar", adding: [])
        }
        return JSONMerge.object(members)
    }

    private static let functionType = Array(#"{"type":"function"}"#.utf8)[...]
    private static let functionDefaults = [
        BodyMember("parameters", Array(#"{"type":"object","properties":{}}"#.utf8)),
        BodyMember("strict", Array("false".utf8)),
    ]

    /// A word unchanged; the name of a function beside its type.
    private func choice(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        for name in ["function", "custom"] {
            let flattened = flat(value, name, adding: [])
            if flattened != value { return flattened }
        }
        guard var members = JSONMerge.object(flat(value, "allowed_tools", adding: []), parser) else { return value }
        for index in members.indices where members[index].name == "tools" {
            guard let tools = try? parser.parse(members[index].value).root, tools.kind == .array else { continue }
            members[index].value = Self.list(tools.elements.map { flat($0.raw, "function", adding: []) })
        }
        return JSONMerge.object(members)
    }
}
