internal import Basics
internal import JSONText

/// Anthropic's form of a chat (https://docs.anthropic.com/en/api/messages): instructions stand apart from the turns.
extension RequestBuilder {
    /// The turns of an OpenAI chat, with those of the system and the developer taken out and put into `system`, and the
    /// others in Anthropic's form.
    func anthropicBody(
        _ messages: ArraySlice<UInt8>, _ head: [UInt8], _ parser: JSONParser
    ) throws(RetortError) -> [UInt8] {
        let turns: [JSONValue]
        do throws(JSONError) {
            turns = try parser.parse(messages).root.elements
        } catch {
            throw RetortError(.badInput, "the messages are not JSON", cause: error.description)
        }
        let instructions = turns.filter(isInstruction)
        let rest = turns.filter { !isInstruction($0) }
        let needsTranslation = rest.contains { !AnthropicTurns.isAnthropic($0) }
        if instructions.isEmpty, !needsTranslation {
            return Self.splice(head, Self.messagesKey, messages, Self.bodyEnd)
        }
        var translated = AnthropicTurns(parser: parser)
        for turn in rest { try translated.append(turn) }
        let before = instructions.isEmpty ? [] : Self.systemKey + system(instructions) + Array(",".utf8)
        return Self.splice(head, before + Self.messagesKey, translated.closed[...], Self.bodyEnd)
    }

    private func isInstruction(_ turn: JSONValue) -> Bool {
        let role = turn["role"]?.string
        return role == "system" || role == "developer"
    }

    /// One text block for each instruction; those that are parts already stay as they are.
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
    private static let messagesKey = Array(#""messages":"#.utf8)
    private static let bodyEnd = Array("}".utf8)

    /// The parameters in Anthropic's names. Throws `.configuration` for those it has no name for.
    static func anthropicParameters(_ parameters: RequestParameters) throws(RetortError) -> RequestParameters {
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
        own.maxTokens = parameters.completionTokensMax ?? anthropicTokensMaxDefault
        own.maxCompletionTokens = nil
        own.stop = []
        if !parameters.stop.isEmpty {
            own.extra.insert(("stop_sequences", RequestParameters.array(of: parameters.stop)), at: 0)
        }
        return own
    }
}
