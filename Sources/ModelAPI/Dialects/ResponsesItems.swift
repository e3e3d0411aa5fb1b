internal import Basics
internal import JSONText

/// Converts the turns of an OpenAI chat to items of the Responses API: tool calls and their results are separate items,
/// and parts have other types. What already has that form stays unchanged.
struct ResponsesItems {
    private var output = Array("[".utf8)
    /// The ids of calls that are not functions: their results have another type.
    private var customCalls: Set<ArraySlice<UInt8>> = []

    /// The whole array.
    var closed: [UInt8] { output + Array("]".utf8) }

    /// Members of a chat's turn that are not for the model.
    private static let dropped: Set<String> = [
        "name", "annotations", "audio", "weight", "reasoning", "reasoning_content", "reasoning_details", "thinking",
    ]
    private static let understood: Set<String> = ["role", "content", "refusal", "tool_calls", "type", "id", "status"]
    /// Parts that only this API has.
    private static let ownParts: Set<String> = ["input_text", "input_image", "input_file", "output_text", "refusal"]

    /// Whether a turn needs no conversion.
    static func isItem(_ turn: JSONValue) -> Bool {
        let role = turn["role"]?.string
        guard role == "user" || role == "assistant", let content = turn["content"] else { return false }
        return turn.members.count == 2 && content.kind == .string
    }

    mutating func append(_ turn: JSONValue) throws(RetortError) {
        if Self.isItem(turn) { return append(turn.raw) }
        let role = turn["role"]?.string ?? ""
        switch role {
        case "tool": try appendResult(turn)
        // The API has both roles and treats them equally; `developer` is the newer name.
        case "system", "developer": try appendMessage(turn, "developer")
        case "user", "assistant":
            try check(turn)
            try appendMessage(turn, role)
            let calls = turn["tool_calls"]?.elements ?? []
            if !calls.isEmpty, role == "user" { throw Self.error("a turn of the role 'user' has tool_calls") }
            for call in calls { try append(call: call) }
        default: throw Self.error("a turn of the role '\(role)' has no form in OpenAI's Responses API")
        }
    }

    private mutating func append(_ item: some Collection<UInt8>) {
        if output.last != UInt8(ascii: "[") { output.append(UInt8(ascii: ",")) }
        output += item
    }

    private func check(_ turn: JSONValue) throws(RetortError) {
        for (key, value) in turn.members where value.kind != .null {
            let name = key.string ?? ""
            if name == "function_call" {
                throw Self.error("function_call has no form in OpenAI's Responses API; use tool_calls")
            }
            guard Self.understood.contains(name) || Self.dropped.contains(name) else {
                throw Self.error("'\(name)' of a turn has no form in OpenAI's Responses API")
            }
        }
    }

    /// A turn's message; none if an assistant's turn contains only calls.
    private mutating func appendMessage(_ turn: JSONValue, _ role: String) throws(RetortError) {
        let content = turn["content"]
        let refusal = turn["refusal"].flatMap { $0.kind == .string ? $0 : nil }
        var item = Array(#"{"role":"\#(role)","content":"#.utf8)
        if let content, content.kind == .string, refusal == nil {
            if content.rawStringContent?.isEmpty == true, turn["tool_calls"]?.firstElement != nil { return }
            append(item + content.raw + [UInt8(ascii: "}")])
            return
        }
        var parts: [[UInt8]] = []
        if let content, content.kind == .string {
            if content.rawStringContent?.isEmpty == false { parts.append(Self.text(content.raw, role)) }
        } else {
            for part in content?.elements ?? [] { parts.append(try Self.part(part, role)) }
        }
        if let refusal {
            guard role == "assistant" else { throw Self.error("a turn of the role '\(role)' has a refusal") }
            parts.append(Array(#"{"type":"refusal","refusal":"#.utf8) + refusal.raw + [UInt8(ascii: "}")])
        }
        if parts.isEmpty {
            if turn["tool_calls"]?.firstElement != nil { return }
            throw Self.error("a turn of the role '\(role)' says nothing")
        }
        item += Self.list(parts)
        append(item + [UInt8(ascii: "}")])
    }

    private static func list(_ parts: [[UInt8]]) -> [UInt8] {
        [UInt8(ascii: "[")] + parts.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
    }

    private static func text(_ raw: ArraySlice<UInt8>, _ role: String) -> [UInt8] {
        let type = role == "assistant" ? "output_text" : "input_text"
        return Array(#"{"type":"\#(type)","text":"#.utf8) + raw + [UInt8(ascii: "}")]
    }

    private static func part(_ part: JSONValue, _ role: String) throws(RetortError) -> [UInt8] {
        if part.kind == .string { return text(part.raw, role) }
        let type = part["type"]?.string ?? ""
        switch type {
        case "text":
            guard let said = part["text"], said.kind == .string else {
                throw error("a part of the type text has no text")
            }
            return text(said.raw, role)
        case "image_url": return try image(part)
        case "file": return try file(part)
        case _ where ownParts.contains(type): return Array(part.raw)
        default: throw error("content of the type '\(type)' has no form in OpenAI's Responses API")
        }
    }

    private static func image(_ part: JSONValue) throws(RetortError) -> [UInt8] {
        let image = part["image_url"]
        guard let url = image?.kind == .object ? image?["url"] : image, url.kind == .string,
            let text = url.stringBytes
        else { throw error("an image_url holds no url") }
        guard ["data:", "https://", "http://"].contains(where: { text.starts(with: $0.utf8) }) else {
            throw error("an image is neither a data URL nor an http URL")
        }
        var item = Array(#"{"type":"input_image","image_url":"#.utf8) + url.raw
        if let detail = image?["detail"] ?? part["detail"], detail.kind == .string {
            item += Array(#","detail":"#.utf8) + detail.raw
        }
        return item + [UInt8(ascii: "}")]
    }

    private static func file(_ part: JSONValue) throws(RetortError) -> [UInt8] {
        guard let file = part["file"], file.kind == .object else { throw error("a part of the type file has no file") }
        var item = Array(#"{"type":"input_file""#.utf8)
        for (key, value) in file.members where value.kind != .null {
            item += [UInt8(ascii: ",")] + key.raw + [UInt8(ascii: ":")] + value.raw
        }
        return item + [UInt8(ascii: "}")]
    }

    private mutating func append(call: JSONValue) throws(RetortError) {
        guard let id = call["id"], id.kind == .string else { throw Self.error("a tool call has no id") }
        let isCustom = call["type"]?.string == "custom"
        if isCustom { customCalls.insert(id.raw) }
        let asked = isCustom ? call["custom"] : call["function"]
        guard let name = asked?["name"], name.kind == .string else {
            throw Self.error("a tool call has no function name")
        }
        var item = Array(#"{"type":"\#(isCustom ? "custom_tool_call" : "function_call")","call_id":"#.utf8) + id.raw
        item += Array(#","name":"#.utf8) + name.raw
        item += Array((isCustom ? #","input":"# : #","arguments":"#).utf8)
        let given = asked?[isCustom ? "input" : "arguments"]
        if let given, given.kind == .string {
            item += given.raw
        } else if let given, given.kind == .object {
            JSONString.append(given.raw, to: &item)
        } else if given == nil || given?.kind == .null {
            item += Array(#""{}""#.utf8)
        } else {
            throw Self.error("the arguments of a tool call are not a JSON object")
        }
        append(item + [UInt8(ascii: "}")])
    }

    private mutating func appendResult(_ turn: JSONValue) throws(RetortError) {
        guard let id = turn["tool_call_id"], id.kind == .string else {
            throw Self.error("a turn of the role 'tool' has no tool_call_id")
        }
        let kind = customCalls.contains(id.raw) ? "custom_tool_call_output" : "function_call_output"
        var item = Array(#"{"type":"\#(kind)","call_id":"#.utf8) + id.raw + Array(#","output":"#.utf8)
        if let content = turn["content"], content.kind == .array {
            var parts: [[UInt8]] = []
            for part in content.elements { parts.append(try Self.part(part, "tool")) }
            item += Self.list(parts)
        } else if let content = turn["content"], content.kind == .string {
            item += content.raw
        } else {
            item += Array(#""""#.utf8)
        }
        append(item + [UInt8(ascii: "}")])
    }

    private static func error(_ message: String) -> RetortError {
        RetortError(
            .configuration, message, remedy: "Take it out of the messages, or give --endpoint chat.")
    }
}
