package import JSONText

/// A chat's turns in a record: `messages`, a list of role and content, both texts; and `messages_json`, the text of the
/// turns as sent, if those two do not say everything.
package struct AskedTurns {
    /// The list, a JSON array.
    package private(set) var list: [UInt8] = []
    /// The turns as sent, a JSON array; empty if `list` says the same.
    package private(set) var exact: ArraySlice<UInt8> = []

    /// From turns in valid JSON.
    package init(_ turns: ArraySlice<UInt8>, with parser: JSONParser) {
        if PlainTurns.recognises(turns) {
            list = Array(turns)
        } else {
            fill((try? parser.parse(turns).root.elements) ?? [], exact: turns)
        }
    }

    /// Appends the list with one user turn, from a JSON string token.
    static func appendList(ofPrompt prompt: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: userTurn)
        JSONString.appendReplacingLoneSurrogates(prompt, to: &bytes)
        bytes.append(contentsOf: "}]".utf8)
    }

    /// The text of that list if the list itself cannot say it.
    static func exact(ofPrompt prompt: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        JSONString.hasLoneSurrogate(prompt) ? userTurn + prompt + "}]".utf8 : []
    }

    private mutating func fill(_ turns: [JSONValue], exact raw: ArraySlice<UInt8>) {
        var isAllSaid = !turns.isEmpty && !JSONString.hasLoneSurrogate(raw)
        for turn in turns {
            let (role, content) = (turn["role"], turn["content"])
            if turn.members.count != 2 || role?.kind != .string || content?.kind != .string { isAllSaid = false }
            append(
                role: role?.kind == .string ? role!.raw : Self.role(ofItem: turn),
                content: Self.text(content ?? turn["output"]))
        }
        // An empty list would make its column one of nulls.
        if turns.isEmpty { append(role: Self.user, content: Self.emptyText) }
        close()
        if !isAllSaid { exact = raw }
    }

    /// The role of an item in OpenAI's Responses API that is not a message: a call is the assistant's, its result a
    /// tool's.
    private static func role(ofItem item: JSONValue) -> ArraySlice<UInt8> {
        let type = item["type"]?.string ?? ""
        if type.hasSuffix("_call_output") { return Array(#""tool""#.utf8)[...] }
        return type.hasSuffix("_call") || type == "reasoning" ? Array(#""assistant""#.utf8)[...] : emptyText
    }

    private static let user = Array(#""user""#.utf8)[...]
    /// The list of one user turn, up to its content.
    private static let userTurn = Array(#"[{"role":"user","content":"#.utf8)[...]
    /// Bytes of a list of one user turn, without its content.
    static let userTurnBytes = userTurn.count + 2
    package static let emptyText: ArraySlice<UInt8> = [0x22, 0x22]

    private mutating func append(role: ArraySlice<UInt8>, content: ArraySlice<UInt8>) {
        list.append(UInt8(ascii: list.isEmpty ? "[" : ","))
        list.append(contentsOf: #"{"role":"#.utf8)
        JSONString.appendReplacingLoneSurrogates(role, to: &list)
        list.append(contentsOf: #","content":"#.utf8)
        JSONString.appendReplacingLoneSurrogates(content, to: &list)
        list.append(UInt8(ascii: "}"))
    }

    private mutating func close() { list.append(UInt8(ascii: "]")) }

    /// A text as it is; for a list of parts, the texts among them, joined.
    package static func text(_ content: JSONValue?) -> ArraySlice<UInt8> {
        switch content?.kind {
        case .string: return content!.raw
        case .array:
            var token: [UInt8] = [0x22]
            for part in content!.elements {
                token.append(contentsOf: part.rawStringContent ?? part["text"]?.rawStringContent ?? [])
            }
            token.append(0x22)
            return token[...]
        default: return emptyText
        }
    }
}
