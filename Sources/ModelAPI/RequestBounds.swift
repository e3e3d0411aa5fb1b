internal import Basics
public import JSONText

/// Upper bounds on what a server reads and writes for one request, according to its body.
public struct RequestBounds: Sendable, Hashable {
    /// Tokens of all its answers together; nil if unlimited.
    public private(set) var completionTokensMax: Int?
    /// The number of answers that it requests.
    public private(set) var answers = 1
    /// Bytes equivalent to input outside the body: images at addresses.
    public private(set) var addedBytes = 0
    /// Content that makes the server read an unknown amount: a member or a part; nil: none.
    public private(set) var unboundedInput: String?

    /// Members that request several answers. Of two the larger one counts, since each may be what is billed.
    static let answerCounts: [StaticString] = ["n", "best_of"]
    /// Maximum tokens of an image; its bytes are elsewhere.
    static let pictureTokensMax = 1 << 16
    /// Maximum nesting of parts.
    private static let depthMax = 8

    /// - Parameter body: the request's body as JSON; nil if it is not JSON.
    public init(of request: ModelRequest, body: JSONValue?) {
        guard let body else { return }
        for name in Self.answerCounts {
            guard let value = body[name], value.kind != .null else { continue }
            answers = max(answers, LaxNumber.count(value) ?? .max)
        }
        // Each of several prompts gets the requested number of answers.
        if let prompts = body["prompt"], prompts.kind == .array, prompts.elements.first?.kind != .number {
            answers = answers.multipliedSaturated(by: max(1, prompts.elements.count))
        }
        completionTokensMax = request.completionTokensMax(in: body)?.multipliedSaturated(by: answers)
        readInput(body)
    }

    // MARK: Input

    /// Members that refer to content stored elsewhere.
    private static let references: [StaticString] = [
        "previous_response_id", "conversation", "container", "mcp_servers", "web_search_options",
    ]

    private mutating func readInput(_ body: JSONValue) {
        for name in Self.references {
            guard let value = body[name], value.kind != .null else { continue }
            if value.kind == .array, value.elements.isEmpty { continue }
            unboundedInput = unboundedInput ?? name.description
        }
        if body["prompt"]?.kind == .object { unboundedInput = unboundedInput ?? "prompt" }
        for tool in elements(body["tools"]) {
            guard let type = tool["type"]?.string, !Self.isOwnTool(type) else { continue }
            unboundedInput = unboundedInput ?? "the tool \(type)"
        }
        for name in ["messages", "input", "system"] as [StaticString] {
            for item in elements(body[name]) { read(item, depth: 0) }
        }
    }

    private func elements(_ value: JSONValue?) -> [JSONValue] {
        switch value?.kind {
        case .array: value?.elements ?? []
        case .object: value.map { [$0] } ?? []
        default: []
        }
    }

    /// In parts whose types contain these words a member may be an address.
    private static let kinds = ["image", "file", "document", "video", "audio"]

    /// Tools that the client runs. The results of other tools are read by the server.
    private static func isOwnTool(_ type: String) -> Bool {
        let own = ["function", "custom", "bash", "text_editor", "computer", "memory", "local_shell", "apply_patch"]
        return own.contains { type == $0 || type.hasPrefix($0 + "_") }
    }

    private mutating func read(_ item: JSONValue, depth: Int) {
        guard item.kind == .object, depth < Self.depthMax else { return }
        let type = item["type"]?.string ?? ""
        if type == "item_reference" { return refuse(type) }
        if Self.kinds.contains(where: type.contains) { readPart(item, type) }
        for part in elements(item["content"]) + elements(item["output"]) { read(part, depth: depth + 1) }
    }

    private mutating func readPart(_ item: JSONValue, _ type: String) {
        let isPicture = type.contains("image")
        let names: [StaticString] = ["image_url", "source", "file", "input_audio", "video_url", "audio_url"]
        for holder in [item] + names.compactMap({ item[$0] }) {
            if holder.kind == .string { note(address: holder, isPicture: isPicture, type) }
            guard holder.kind == .object else { continue }
            for name in ["url", "file_url"] as [StaticString] {
                guard let value = holder[name], value.kind == .string else { continue }
                note(address: value, isPicture: isPicture, type)
            }
            if let id = holder["file_id"], id.kind == .string { add(isPicture, type) }
        }
    }

    /// Content in the body itself is bounded by its size.
    private mutating func note(address: JSONValue, isPicture: Bool, _ type: String) {
        if address.string(prefixBytesMax: 5)?.lowercased() != "data:" { add(isPicture, type) }
    }

    private mutating func add(_ isPicture: Bool, _ type: String) {
        guard isPicture else { return refuse(type.isEmpty ? "a file" : type) }
        addedBytes = addedBytes.addingSaturated(Self.pictureTokensMax)
    }

    private mutating func refuse(_ what: String) { unboundedInput = unboundedInput ?? what }
}

/// Numbers as read by servers, some of which accept texts.
enum LaxNumber {
    /// Rounded up; nil for anything that is not a number, and for negative ones.
    static func count(_ value: JSONValue) -> Int? {
        switch value.kind {
        case .number:
            if let exact = value.int { return exact >= 0 ? exact : nil }
            return value.double.flatMap(whole)
        case .string:
            let text = value.string?.filter { !$0.isWhitespace } ?? ""
            if let exact = Int(text) { return exact >= 0 ? exact : nil }
            return Double(text).flatMap(whole)
        case .boolean: return 1
        default: return nil
        }
    }

    private static func whole(_ number: Double) -> Int? {
        guard number >= 0 else { return nil }
        return Int(exactly: number.rounded(.up)) ?? .max
    }
}
