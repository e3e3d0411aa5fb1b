public import JSONText

/// OpenAI's chat, which many servers support (https://platform.openai.com/docs/api-reference/chat). Rows have its form,
/// so their turns and members are sent unchanged.
public struct OpenAIChat: Dialect {
    public let provider = Provider.openAI
    public let name = "OpenAI's chat"
    public let path = "/chat/completions"
    public let batchURL = "/v1/chat/completions"
    public let access = APIAccess.openAI
    public let inputMember = "messages"
    public let tokenLimits = ["max_completion_tokens", "max_tokens"]

    public var hasChoices: Bool { true }
    public var streamMembers: [(name: String, value: [UInt8])] { Self.streamWithUsage }

    public func members(of parameters: RequestParameters, defaults: Bool) -> [BodyMember] { parameters.members() }

    public func members(ofRow members: [BodyMember], with parser: JSONParser) -> [BodyMember] { members }

    public func body(_ input: RequestInput, _ head: BodyHead, with parser: JSONParser) -> [UInt8] {
        Self.body(input, head)
    }

    /// Turns unchanged, a prompt as one user turn.
    static func body(_ input: RequestInput, _ head: BodyHead) -> [UInt8] {
        switch input {
        case .messages(let messages): head.spliced(messagesKey, messages, end)
        case .prompt(let prompt): head.spliced(userTurn, prompt, userTurnEnd)
        case .infill(let prefix, let suffix):
            head.spliced(userTurn, InfillPrompt.token(prefix, suffix), userTurnEnd)
        case .batchRow(_, let body): Array(body)
        }
    }

    static let messagesKey = Array(#""messages":"#.utf8)
    static let end = Array("}".utf8)
    private static let userTurn = Array(#""messages":[{"role":"user","content":"#.utf8)
    private static let userTurnEnd = Array("}]}".utf8)
}
