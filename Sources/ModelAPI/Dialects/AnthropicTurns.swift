internal import Basics
internal import JSONText

/// Converts the turns of an OpenAI chat to Anthropic's form: images, tool calls and tool results become blocks. What
/// already has that form stays unchanged.
struct AnthropicTurns {
    private let parser: JSONParser
    private var output = Array("[".utf8)
    /// Whether a user turn of tool results is open, to which further results are added.
    private var isCollectingResults = false

    /// Members of an OpenAI turn that are not for the model.
    private static let dropped: Set<String> = [
        "name", "refusal", "annotations", "audio", "weight", "reasoning", "reasoning_content", "function_call",
    ]
    private static let blockTypes: Set<String> = [
        "text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "search_result",
        "server_tool_use", "web_search_tool_result",
    ]

    init(parser: JSONParser) { self.parser = parser }

    /// The whole array.
    var closed: [UInt8] { output + Array(isCollectingResults ? "]}]".utf8 : "]".utf8) }

    /// Whether a turn needs no conversion: only role and content, and blocks of Anthropic's types.
    static func isAnthropic(_ turn: JSONValue) -> Bool {
        let role = turn["role"]?.string
        guard role == "user" || role == "assistant", let content = turn["content"] else { return false }
        guard turn.members.count == 2 else { return false }
        if content.kind == .string { return true }
        return content.kind == .array
            && content.elements.allSatisfy { blockTypes.contains($0["type"]?.string ?? "") }
    }

    mutating func append(_ turn: JSONValue) throws(RetortError) {
        let role = turn["role"]?.string ?? ""
        if role == "tool" { return try appendResult(turn) }
        closeResults()
        separate()
        if Self.isAnthropic(turn) {
            output += turn.raw
            return
        }
        guard role == "user" || role == "assistant" else {
            throw Self.error("a turn of the role '\(role)' has no form in Anthropic's API")
        }
        for (key, value) in turn.members where value.kind != .null {
            let name = key.string ?? ""
            if name == "function_call" {
                throw Self.error("function_call has no form in Anthropic's API; use tool_calls")
            }
            guard ["role", "content", "tool_calls"].contains(name) || Self.dropped.contains(name) else {
                throw Self.error("'\(name)' of a turn has no form in Anthropic's API")
            }
        }
        output += #"{"role":"\#(role)","content":["#.utf8
        let start = output.count
        if let content = turn["content"] { try appendBlocks(content, start) }
        for call in turn["tool_calls"]?.elements ?? [] { try appendCall(call, start) }
        guard output.count > start else { throw Self.error("a turn of the role '\(role)' says nothing") }
        output += "]}".utf8
    }

    private mutating func appendResult(_ turn: JSONValue) throws(RetortError) {
        guard let id = turn["tool_call_id"], id.kind == .string else {
            throw Self.error("a turn of the role 'tool' has no tool_call_id")
        }
        separate()
        if !isCollectingResults { output += #"{"role":"user","content":["#.utf8 }
        isCollectingResults = true
        output += #"{"type":"tool_result","tool_use_id":"#.utf8
        output += id.raw
        if let content = turn["content"], content.kind != .null {
            output += #","content":"#.utf8
            if content.kind == .array {
                output.append(UInt8(ascii: "["))
                try appendBlocks(content, output.count)
                output.append(UInt8(ascii: "]"))
            } else {
                output += content.raw
            }
        }
        output.append(UInt8(ascii: "}"))
    }

    private mutating func closeResults() {
        if isCollectingResults { output += "]}".utf8 }
        isCollectingResults = false
    }

    private mutating func separate() {
        if output.last != UInt8(ascii: "[") { output.append(UInt8(ascii: ",")) }
    }

    private mutating func appendBlocks(_ content: JSONValue, _ start: Int) throws(RetortError) {
        if content.kind == .string {
            // Anthropic rejects a text block without text.
            guard content.rawStringContent?.isEmpty == false else { return }
            if output.count > start { output.append(UInt8(ascii: ",")) }
            output += #"{"type":"text","text":"#.utf8
            output += content.raw
            output.append(UInt8(ascii: "}"))
            return
        }
        for part in content.elements {
            if output.count > start { output.append(UInt8(ascii: ",")) }
            let type = part["type"]?.string ?? ""
            if type == "image_url" {
                try appendImage(part)
            } else if type == "file", let data = part["file"]?["file_data"]?.stringBytes {
                try appendSource(data, of: "document", what: "a file")
            } else if Self.blockTypes.contains(type) {
                output += part.raw
            } else {
                throw Self.error("content of the type '\(type)' has no form in Anthropic's API")
            }
        }
    }

    /// A data URL becomes base64 data, any other a URL.
    private mutating func appendImage(_ part: JSONValue) throws(RetortError) {
        let image = part["image_url"]
        guard let url = (image?.kind == .object ? image?["url"] : image), let text = url.stringBytes else {
            throw Self.error("an image_url holds no url")
        }
        try appendSource(text, of: "image", what: "an image")
    }

    /// A block with a source: base64 data of a data URL, or the address.
    private mutating func appendSource(_ text: [UInt8], of block: String, what: String) throws(RetortError) {
        guard text.starts(with: "data:".utf8) else {
            guard text.starts(with: "https://".utf8) || text.starts(with: "http://".utf8) else {
                throw Self.error("\(what) is neither a data URL nor an http URL")
            }
            output += #"{"type":"\#(block)","source":{"type":"url","url":"#.utf8
            JSONString.appendText(text, to: &output)
            output += "}}".utf8
            return
        }
        guard let comma = text.firstIndex(of: UInt8(ascii: ",")) else { throw Self.error("a data URL holds no data") }
        let kind = text[5..<comma].split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let type = kind.first, !type.isEmpty, kind.last?.elementsEqual("base64".utf8) == true else {
            throw Self.error("a data URL is not base64 with a media type")
        }
        output += #"{"type":"\#(block)","source":{"type":"base64","media_type":"#.utf8
        JSONString.append(type, to: &output)
        output += #","data":"#.utf8
        JSONString.append(text[(comma + 1)...], to: &output)
        output += "}}".utf8
    }

    private mutating func appendCall(_ call: JSONValue, _ start: Int) throws(RetortError) {
        let function = call["function"]
        guard let id = call["id"], id.kind == .string, let name = function?["name"], name.kind == .string else {
            throw Self.error("a tool call has no id or no function name")
        }
        if output.count > start { output.append(UInt8(ascii: ",")) }
        output += #"{"type":"tool_use","id":"#.utf8
        output += id.raw
        output += #","name":"#.utf8
        output += name.raw
        output += #","input":"#.utf8
        let arguments = function?["arguments"]
        if let text = arguments?.stringBytes, !text.isEmpty {
            guard let root = try? parser.parse(text).root, root.kind == .object else {
                throw Self.error("the arguments of a tool call are not a JSON object")
            }
            output += root.raw
        } else if arguments?.kind == .object {
            output += arguments?.raw ?? []
        } else {
            output += "{}".utf8
        }
        output.append(UInt8(ascii: "}"))
    }

    private static func error(_ message: String) -> RetortError {
        RetortError(
            .configuration, message,
            remedy: "Take it out of the messages, or give an OpenAI-compatible endpoint with --endpoint chat.")
    }
}
