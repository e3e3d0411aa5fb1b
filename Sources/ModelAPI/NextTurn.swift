public import JSONText

/// Continues a conversation: a request's body with the answer appended as the assistant's turn, followed by a user's
/// turn. Everything else stays unchanged, byte for byte.
public enum NextTurn {
    /// Nil if the body has no conversation, as for a plain completion.
    ///
    /// - Parameter text: unescaped UTF-8.
    public static func request(
        after answer: ModelAnswer, of request: ModelRequest, saying text: [UInt8], with parser: JSONParser
    ) -> ModelRequest? {
        guard let root = try? parser.parse(request.body).root, root.kind == .object else { return nil }
        if let turns = root["messages"], turns.kind == .array { return appended(to: turns, answer, request, text) }
        guard let input = root["input"] else { return nil }
        if input.kind == .array { return appended(to: input, answer, request, text) }
        guard input.kind == .string else { return nil }
        let first = Words.userTurn + input.raw + Words.turnEnd
        return replaced(input, by: Words.listStart + first + Words.comma + turns(answer, text) + Words.listEnd, request)
    }

    private static func appended(
        to list: JSONValue, _ answer: ModelAnswer, _ request: ModelRequest, _ text: [UInt8]
    ) -> ModelRequest {
        let rest = list.firstElement == nil ? [] : Words.comma
        return replaced(list, by: Array(list.raw.dropLast()) + rest + turns(answer, text) + Words.listEnd, request)
    }

    private static func replaced(_ value: JSONValue, by bytes: [UInt8], _ request: ModelRequest) -> ModelRequest {
        var next = request
        next.body.replaceSubrange(value.range, with: bytes)
        return next
    }

    /// The assistant's turn and the user's. APIs reject an assistant's turn without text, so an empty answer is
    /// described in words.
    private static func turns(_ answer: ModelAnswer, _ text: [UInt8]) -> [UInt8] {
        var turns = Words.assistantTurn
        if JSONString.isBlank(answer.responseRaw) {
            JSONString.append("(no text)", to: &turns)
        } else {
            JSONString.appendReplacingLoneSurrogates(answer.responseRaw, to: &turns)
        }
        turns += Words.turnEnd + Words.comma + Words.userTurn
        JSONString.appendText(text, to: &turns)
        return turns + Words.turnEnd
    }

    private enum Words {
        static let assistantTurn = Array(#"{"role":"assistant","content":"#.utf8)
        static let userTurn = Array(#"{"role":"user","content":"#.utf8)
        static let turnEnd = Array("}".utf8)
        static let comma = Array(",".utf8)
        static let listStart = Array("[".utf8)
        static let listEnd = Array("]".utf8)
    }
}
