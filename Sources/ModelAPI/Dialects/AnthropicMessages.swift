public import Basics
public import JSONText

/// Anthropic's messages (https://docs.anthropic.com/en/api/messages): instructions are separate from the turns, and
/// images, tool calls and their results are blocks.
public struct AnthropicMessages: Dialect {
    public let provider = Provider.anthropic
    public let name = "Anthropic's messages"
    public let path = "/v1/messages"
    public let batchURL = "/v1/messages"
    public let access = APIAccess(
        baseURL: "https://api.anthropic.com", baseURLVariable: "ANTHROPIC_BASE_URL",
        keys: [
            APIAccess.Key("ANTHROPIC_API_KEY", "x-api-key"),
            APIAccess.Key("ANTHROPIC_AUTH_TOKEN", "Authorization", "Bearer "),
        ],
        headers: [("anthropic-version", "2023-06-01")])
    public let inputMember = "messages"
    public let tokenLimits = ["max_tokens"]

    /// `max_tokens`, which the API requires, if the parameters do not limit an answer.
    public static let tokensMaxDefault = 4096

    public func members(of parameters: RequestParameters, defaults: Bool) throws(RetortError) -> [BodyMember] {
        let unknown: [(name: String, isSet: Bool)] = [
            ("seed", parameters.seed != nil), ("response_format", parameters.responseFormat != nil),
            ("reasoning_effort", parameters.reasoningEffort != nil),
        ]
        if let name = unknown.first(where: \.isSet)?.name {
            throw RetortError(
                .configuration, "Anthropic's messages have no parameter \(name)",
                remedy: "Leave it out, or give Anthropic's own as an extra parameter.")
        }
        var own = parameters
        own.maxTokens = parameters.completionTokensMax ?? (defaults ? Self.tokensMaxDefault : nil)
        own.maxCompletionTokens = nil
        own.stop = []
        if !parameters.stop.isEmpty {
            own.extra.insert(("stop_sequences", RequestParameters.array(of: parameters.stop)), at: 0)
        }
        return own.members()
    }

    public func tell(schema: [UInt8]?, isStrict: Bool, in parameters: inout RequestParameters) {
        guard let schema, parameters.responseFormat == nil else { return }
        let format = Array(#"{"format":{"type":"json_schema","schema":"#.utf8) + schema + Array("}}".utf8)
        parameters.extra.append(("output_config", format))
    }

    public func forcedTool(_ schema: [UInt8], isStrict: Bool) -> [(name: String, value: [UInt8])]? {
        let head = #"[{"name":"\#(AnswerTool.name)","description":"\#(AnswerTool.about)","input_schema":"#
        let choice = #"{"type":"tool","name":"\#(AnswerTool.name)"}"#
        return [("tools", Array(head.utf8) + schema + Array("}]".utf8)), ("tool_choice", Array(choice.utf8))]
    }

    public func body(_ input: RequestInput, _ head: BodyHead, with parser: JSONParser) throws(RetortError) -> [UInt8] {
        guard case .messages(let messages) = input else { return OpenAIChat.body(input, head) }
        let turns: [JSONValue]
        do throws(JSONError) {
            turns = try parser.parse(messages).root.elements
        } catch {
            throw RetortError(.badInput, "the messages are not JSON", cause: error.description)
        }
        let instructions = turns.filter(\.isInstruction)
        let rest = turns.filter { !$0.isInstruction }
        let needsTranslation = rest.contains { !AnthropicTurns.isAnthropic($0) }
        if instructions.isEmpty, !needsTranslation { return OpenAIChat.body(input, head) }
        var translated = AnthropicTurns(parser: parser)
        for turn in rest { try translated.append(turn) }
        let before = instructions.isEmpty ? [] : Self.systemKey + system(instructions) + Array(",".utf8)
        return head.spliced(before + OpenAIChat.messagesKey, translated.closed[...], OpenAIChat.end)
    }

    /// One text block per instruction; those that are parts already stay unchanged.
    private func system(_ instructions: [JSONValue]) -> [UInt8] {
        var blocks = Array("[".utf8)
        for content in instructions.compactMap({ $0["content"] }) {
            for block in content.kind == .array ? content.elements : [content] {
                if blocks.count > 1 { blocks.append(UInt8(ascii: ",")) }
                let isPart = block.kind == .object
                if !isPart { blocks += Array(#"{"type":"text","text":"#.utf8) }
                blocks += block.raw
                if !isPart { blocks.append(UInt8(ascii: "}")) }
            }
        }
        blocks.append(UInt8(ascii: "]"))
        return blocks
    }

    private static let systemKey = Array(#""system":"#.utf8)
}

extension JSONValue {
    /// Whether a turn is the system's or the developer's.
    var isInstruction: Bool {
        let role = self["role"]?.string
        return role == "system" || role == "developer"
    }
}
