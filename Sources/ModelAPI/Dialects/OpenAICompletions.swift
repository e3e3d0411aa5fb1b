public import Basics
public import JSONText

/// OpenAI's plain completions, with `suffix` for filling in (https://platform.openai.com/docs/api-reference/completions).
public struct OpenAICompletions: Dialect {
    public let provider = Provider.openAI
    public let name = "plain completions"
    public let path = "/completions"
    public let batchURL = "/v1/completions"
    public let access = APIAccess.openAI
    public let inputMember = "prompt"
    public let continuesPrompts = true
    /// Self-hosted servers also accept the first name.
    public let tokenLimits = ["max_completion_tokens", "max_tokens"]

    public var hasChoices: Bool { true }
    public var streamMembers: [(name: String, value: [UInt8])] { Self.streamWithUsage }

    public func members(of parameters: RequestParameters, defaults: Bool) -> [BodyMember] { parameters.members() }

    public func members(ofRow members: [BodyMember], with parser: JSONParser) throws(RetortError) -> [BodyMember] {
        var own: [BodyMember] = []
        let hasLimit = members.contains { $0.name == "max_tokens" }
        for var member in members {
            switch member.name {
            case "tools", "tool_choice", "parallel_tool_calls", "reasoning_effort": throw noPlace(for: member.name)
            case "max_completion_tokens":
                if hasLimit { continue }
                member.name = "max_tokens"
            default: break
            }
            own.append(member)
        }
        return own
    }

    public func forcedTool(_ schema: [UInt8], isStrict: Bool) -> [(name: String, value: [UInt8])]? { nil }

    public func body(_ input: RequestInput, _ head: BodyHead, with parser: JSONParser) throws(RetortError) -> [UInt8] {
        switch input {
        case .prompt(let prompt): return head.spliced(Self.promptKey, prompt, Self.end)
        case .infill(let prefix, let suffix):
            return head.spliced(Self.promptKey, prefix, Self.suffixKey + suffix + Self.end)
        case .batchRow(_, let body): return Array(body)
        case .messages:
            throw RetortError(
                .configuration, "a row with messages or a system text cannot be sent to the completions endpoint",
                remedy: "Give --endpoint chat, or rows with a prompt alone.")
        }
    }

    private static let promptKey = Array(#""prompt":"#.utf8)
    private static let suffixKey = Array(#","suffix":"#.utf8)
    private static let end = Array("}".utf8)
}
