public import Basics
public import JSONText

/// OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses): a list of items instead of turns,
/// flat tools, and other names for `max_tokens`, `response_format` and `reasoning_effort`.
public struct OpenAIResponses: Dialect {
    public let provider = Provider.openAI
    public let name = "OpenAI's Responses API"
    public let path = "/responses"
    public let batchURL = "/v1/responses"
    public let access = APIAccess.openAI
    public let inputMember = "input"
    public let tokenLimits = ["max_output_tokens"]
    public let mergedMembers: Set<String> = ["reasoning", "text"]

    /// Chat parameters that this API lacks. As extra parameters they are sent unchanged, since servers differ.
    private static let missing: Set<String> = ["stop", "seed"]

    public func members(of parameters: RequestParameters, defaults: Bool) throws(RetortError) -> [BodyMember] {
        if let name = parameters.stop.isEmpty ? (parameters.seed == nil ? nil : "seed") : "stop" {
            throw RetortError(
                .configuration, "\(self.name) has no parameter \(name)",
                remedy: "Leave it out, or give --endpoint chat. A server that knows it anyway gets it with --param "
                    + "\(name)=JSON.")
        }
        var translation = ResponsesMembers(parser: JSONParser())
        // The provider stores responses for thirty days unless told otherwise.
        if defaults { translation.put("store", Array("false".utf8)[...]) }
        for member in parameters.members() { try translation.add(member) }
        return translation.members
    }

    public func members(ofRow members: [BodyMember], with parser: JSONParser) throws(RetortError) -> [BodyMember] {
        if let member = members.first(where: { Self.missing.contains($0.name) }) { throw noPlace(for: member.name) }
        var translation = ResponsesMembers(parser: parser)
        for member in members { try translation.add(member) }
        return translation.members
    }

    public func body(_ input: RequestInput, _ head: BodyHead, with parser: JSONParser) throws(RetortError) -> [UInt8] {
        switch input {
        case .prompt(let prompt): return head.spliced(Self.inputKey, prompt, Self.end)
        case .infill(let prefix, let suffix):
            return head.spliced(Self.inputKey, InfillPrompt.token(prefix, suffix), Self.end)
        case .messages(let messages): return try body(messages, head, parser)
        case .batchRow(_, let body): return Array(body)
        }
    }

    /// The first turn becomes the instructions if it is a system text; a later one becomes a developer item.
    private func body(
        _ messages: ArraySlice<UInt8>, _ head: BodyHead, _ parser: JSONParser
    ) throws(RetortError) -> [UInt8] {
        let turns: [JSONValue]
        do throws(JSONError) {
            turns = try parser.parse(messages).root.elements
        } catch {
            throw RetortError(.badInput, "the messages are not JSON", cause: error.description)
        }
        if turns.allSatisfy(ResponsesItems.isItem) { return head.spliced(Self.inputKey, messages, Self.end) }
        var before = Self.inputKey
        var rest = turns[...]
        // The API requires an input in addition to the instructions.
        if turns.count > 1, turns[0].isInstruction, let text = turns[0]["content"], text.kind == .string,
            !head.has("instructions")
        {
            before = Self.instructionsKey + text.raw + Array(",".utf8) + Self.inputKey
            rest = turns.dropFirst()
        }
        var items = ResponsesItems()
        for turn in rest { try items.append(turn) }
        return head.spliced(before, items.closed[...], Self.end)
    }

    private static let inputKey = Array(#""input":"#.utf8)
    private static let instructionsKey = Array(#""instructions":"#.utf8)
    private static let end = Array("}".utf8)
}
