public import Basics
public import JSONText

/// A row's own members under Anthropic's names.
extension AnthropicMessages {
    public func members(ofRow members: [BodyMember], with parser: JSONParser) throws(RetortError) -> [BodyMember] {
        var own: [BodyMember] = []
        func named(_ name: String) -> ArraySlice<UInt8>? { members.first { $0.name == name }?.value }
        for member in members {
            switch member.name {
            case "max_completion_tokens":
                if named("max_tokens") == nil { own.append(BodyMember(name: "max_tokens", value: member.value)) }
            case "stop":
                let isOne = member.value.first == UInt8(ascii: "\"")
                let list = isOne ? Array("[".utf8) + member.value + Array("]".utf8) : Array(member.value)
                own.append(BodyMember(name: "stop_sequences", value: list[...]))
            case "tools":
                own.append(BodyMember(name: "tools", value: try Self.tools(member.value, parser)[...]))
            case "tool_choice", "parallel_tool_calls": break
            case "seed", "response_format", "reasoning_effort":
                throw noPlace(for: member.name)
            default: own.append(member)
            }
        }
        let isSerial = named("parallel_tool_calls")?.elementsEqual("false".utf8) == true
        if let choice = try choice(named("tool_choice"), isSerial: isSerial, parser) {
            own.append(BodyMember(name: "tool_choice", value: choice[...]))
        }
        return own
    }

    /// Functions become tools with an `input_schema`; tools in Anthropic's own form stay unchanged.
    private static func tools(
        _ tools: ArraySlice<UInt8>, _ parser: JSONParser
    ) throws(RetortError) -> [UInt8] {
        guard let root = try? parser.parse(tools).root else { return Array(tools) }
        var output = Array("[".utf8)
        for tool in root.elements {
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            guard let function = tool["function"], function.kind == .object else {
                output += tool.raw
                continue
            }
            guard let name = function["name"], name.kind == .string else {
                throw RetortError(.configuration, "a tool of the row has no name", remedy: "Give each function a name.")
            }
            output += #"{"name":"#.utf8
            output += name.raw
            if let description = function["description"], description.kind == .string {
                output += #","description":"#.utf8
                output += description.raw
            }
            output += #","input_schema":"#.utf8
            if let parameters = function["parameters"], parameters.kind == .object {
                output += parameters.raw
            } else {
                output += #"{"type":"object","properties":{}}"#.utf8
            }
            output.append(UInt8(ascii: "}"))
        }
        output.append(UInt8(ascii: "]"))
        return output
    }

    private func choice(
        _ choice: ArraySlice<UInt8>?, isSerial: Bool, _ parser: JSONParser
    ) throws(RetortError) -> [UInt8]? {
        var members: [UInt8] = []
        if let choice, let root = try? parser.parse(choice).root {
            if let word = root.string {
                guard let type = ["auto": "auto", "none": "none", "required": "any", "any": "any"][word] else {
                    throw noPlace(for: "tool_choice")
                }
                members = Array(#""type":"\#(type)""#.utf8)
            } else if let name = root["function"]?["name"] ?? (root["type"]?.string == "function" ? root["name"] : nil)
            {
                members = Array(#""type":"tool","name":"#.utf8) + name.raw
            } else {
                members = Array(root.raw.dropFirst().dropLast())
            }
        }
        guard isSerial else { return members.isEmpty ? nil : [UInt8(ascii: "{")] + members + [UInt8(ascii: "}")] }
        if members.isEmpty { members = Array(#""type":"auto""#.utf8) }
        if !members.elementsEqual(#""type":"none""#.utf8) { members += #","disable_parallel_tool_use":true"#.utf8 }
        return [UInt8(ascii: "{")] + members + [UInt8(ascii: "}")]
    }
}
