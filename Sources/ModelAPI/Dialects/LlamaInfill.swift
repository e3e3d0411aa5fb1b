public import Basics
public import JSONText

/// llama.cpp's own fill-in-the-middle API (https://github.com/ggml-org/llama.cpp, tools/server): the server adds its
/// model's marker tokens. Its path is beside `/v1`, not below it.
public struct LlamaInfill: Dialect {
    public let provider = Provider.openAI
    public let name = "llama.cpp's infill"
    public let path = "/infill"
    public let batchURL = "/infill"
    public let access = APIAccess.openAI
    public let inputMember = "input_prefix"
    public let continuesPrompts = true
    public let tokenLimits = ["n_predict"]

    public func members(of parameters: RequestParameters, defaults: Bool) -> [BodyMember] {
        Self.renamed(parameters.members())
    }

    public func members(ofRow members: [BodyMember], with parser: JSONParser) throws(RetortError) -> [BodyMember] {
        for member in members {
            switch member.name {
            case "tools", "tool_choice", "parallel_tool_calls", "reasoning_effort": throw noPlace(for: member.name)
            default: break
            }
        }
        return Self.renamed(members)
    }

    /// The limit under its own name, once.
    private static func renamed(_ members: [BodyMember]) -> [BodyMember] {
        var renamed: [BodyMember] = []
        for var member in members {
            if member.name == "max_tokens" || member.name == "max_completion_tokens" { member.name = "n_predict" }
            if !renamed.contains(where: { $0.name == member.name }) { renamed.append(member) }
        }
        return renamed
    }

    public func forcedTool(_ schema: [UInt8], isStrict: Bool) -> [(name: String, value: [UInt8])]? { nil }

    public func body(_ input: RequestInput, _ head: BodyHead, with parser: JSONParser) throws(RetortError) -> [UInt8] {
        switch input {
        case .prompt(let prompt): return head.spliced(Self.prefixKey, prompt, Self.suffixKey + Array(#"""}"#.utf8))
        case .infill(let prefix, let suffix):
            return head.spliced(Self.prefixKey, prefix, Self.suffixKey + suffix + Array("}".utf8))
        case .batchRow(_, let body): return Array(body)
        case .messages:
            throw RetortError(
                .configuration, "a row with messages or a system text cannot be sent to the infill endpoint",
                remedy: "Give --endpoint chat, or rows with a prefix and a suffix.")
        }
    }

    private static let prefixKey = Array(#""input_prefix":"#.utf8)
    private static let suffixKey = Array(#","input_suffix":"#.utf8)
}
