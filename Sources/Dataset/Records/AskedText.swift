package import JSONText
package import ModelAPI
package import PromptSource

/// The members of a record that hold the prompt, from `messages` to `tools`, ready to be written. Every record has all
/// of them with the same types.
///
/// For a completion `messages` is one user turn with its prompt. It is not a chat, but the column must have one type
/// from the first record on: readers take a type from the first records that they see, and an empty list has none.
package enum AskedText {
    package static func members(
        _ shape: PromptRow.Shape, endpoint: RequestBuilder.Endpoint, tools: ArraySlice<UInt8> = [],
        with parser: JSONParser
    ) -> [UInt8] {
        switch shape {
        case .chat(let messages): return members(AskedTurns(messages, with: parser), tools: tools)
        case .prompt(let prompt):
            return endpoint.dialect.continuesPrompts
                ? completion(prompt, AskedTurns.emptyText) : members(ofPrompt: prompt, tools: tools)
        case .fill(let prefix, let suffix): return completion(prefix, suffix)
        case .batch(_, let body): return members(ofBody: body, with: parser)
        }
    }

    /// From a request body of any API.
    package static func members(ofBody body: ArraySlice<UInt8>, with parser: JSONParser) -> [UInt8] {
        guard let root = try? parser.parse(body).root else { return completion(text(of: body), AskedTurns.emptyText) }
        let tools = root["tools"].flatMap { $0.kind == .null ? nil : $0.raw } ?? []
        // A list of turns under OpenAI's names, of both its APIs; separate instructions come first.
        let turns = root["messages"] ?? root["input"]
        if let turns, turns.kind == .array {
            guard let system = root["system"] ?? root["instructions"], system.kind != .null else {
                return members(AskedTurns(turns.raw, with: parser), tools: tools)
            }
            var all = Array(#"[{"role":"system","content":"#.utf8) + system.raw + Array("}".utf8)
            for turn in turns.elements { all += [UInt8(ascii: ",")] + turn.raw }
            all.append(UInt8(ascii: "]"))
            return members(AskedTurns(all[...], with: parser), tools: tools)
        }
        if let turns, turns.kind == .string { return members(ofPrompt: turns.raw, tools: tools) }
        guard let prompt = root["prompt"] else { return completion(text(of: body), AskedTurns.emptyText) }
        let suffix = root["suffix"].flatMap { $0.kind == .string ? $0.raw : nil } ?? AskedTurns.emptyText
        return completion(prompt.kind == .string ? prompt.raw : text(of: prompt.raw), suffix)
    }

    /// From a record of any version: missing members are derived from the ones it has.
    package static func members(of record: RecordView, with parser: JSONParser) -> [UInt8] {
        if let written = record.askedAsWritten { return written }
        let suffix = record.token(.suffix)
        if let turns = record.member(.messages), turns.kind == .array {
            return members(AskedTurns(turns.raw, with: parser))
        }
        guard let prompt = record.member(.prompt) else { return completion(AskedTurns.emptyText, suffix) }
        return completion(prompt.kind == .string ? prompt.raw : text(of: prompt.raw), suffix)
    }

    /// For a row that has no prompt.
    package static let none = completion(AskedTurns.emptyText, AskedTurns.emptyText)

    private static func completion(_ prompt: ArraySlice<UInt8>, _ suffix: ArraySlice<UInt8>) -> [UInt8] {
        members(ofPrompt: prompt, prompt: prompt, suffix: suffix)
    }

    private static func members(_ turns: AskedTurns, tools: ArraySlice<UInt8> = []) -> [UInt8] {
        members(exact: turns.exact, tools: tools, listBytes: turns.list.count) { $0.append(contentsOf: turns.list) }
    }

    /// With one user turn.
    private static func members(
        ofPrompt asked: ArraySlice<UInt8>, prompt: ArraySlice<UInt8> = AskedTurns.emptyText,
        suffix: ArraySlice<UInt8> = AskedTurns.emptyText, tools: ArraySlice<UInt8> = []
    ) -> [UInt8] {
        members(
            exact: AskedTurns.exact(ofPrompt: asked), prompt: prompt, suffix: suffix, tools: tools,
            listBytes: AskedTurns.userTurnBytes + asked.count
        ) { AskedTurns.appendList(ofPrompt: asked, to: &$0) }
    }

    @inline(__always)
    private static func members(
        exact: ArraySlice<UInt8>, prompt: ArraySlice<UInt8> = AskedTurns.emptyText,
        suffix: ArraySlice<UInt8> = AskedTurns.emptyText, tools: ArraySlice<UInt8>, listBytes: Int,
        appendList: (inout [UInt8]) -> Void
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(listBytes + 2 * exact.count + prompt.count + suffix.count + tools.count + 80)
        func begin(_ member: RecordMember) {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            member.appendKey(to: &bytes)
        }
        begin(.messages)
        appendList(&bytes)
        begin(.messagesJSON)
        JSONString.append(exact, to: &bytes)
        begin(.prompt)
        JSONString.appendReplacingLoneSurrogates(prompt, to: &bytes)
        begin(.suffix)
        JSONString.appendReplacingLoneSurrogates(suffix, to: &bytes)
        begin(.tools)
        JSONString.append(tools, to: &bytes)
        return bytes
    }

    /// A JSON value's text as a JSON string token.
    private static func text(of json: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var token: [UInt8] = []
        JSONString.append(json, to: &token)
        return token[...]
    }
}
