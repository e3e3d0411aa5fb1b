internal import JSONText

/// An API's error in JSON, in any dialect.
///
/// OpenAI `{"error":{"message","type","code"}}`, Anthropic `{"type":"error","error":{...}}`, Gemini the same in an
/// array, vLLM `{"object":"error","message","type","code"}`, FastAPI `{"detail":...}`, or `{"error":"..."}`. Further
/// forms are in `ErrorBody(dialect:)`.
struct ErrorBody {
    var message: String
    var type: String
    var code: String
    /// What the server behind a gateway said, which the gateway quotes: OpenRouter's `metadata.raw`.
    var quoted = ""
    /// Whether a gateway's own filter flagged the prompt: OpenRouter's `metadata.reasons`.
    var isFlagged = false
    /// The message with what it quotes.
    var shown: String { quoted.isEmpty ? message : "\(message): \(quoted)" }
    /// Whether the server does not know the path, whatever the request: OpenAI's wording, or FastAPI's bare
    /// `{"detail":"Not Found"}`.
    var isUnknownPath: Bool {
        isBareNotFound || code == "unknown_url" || message.hasPrefix("Invalid URL (")
            || message.hasPrefix("Unknown request URL") || Self.notFoundWords.contains(message)
    }
    private var isBareNotFound = false
    /// Azure's words, and those of servers that say nothing beyond the status.
    private static let notFoundWords = ["Resource not found", "Not Found", "404 page not found", "Method Not Allowed"]

    /// Nil if the value is not an error.
    init?(_ root: JSONValue) {
        if root.kind == .array {
            guard let first = root.firstElement, first.kind == .object else { return nil }
            self.init(first)
            return
        }
        if let error = root["error"], error.kind != .null, error.kind != .boolean {
            self.init(member: error)
            if type.isEmpty { type = Self.text(root["error_type"]) }
            if code.isEmpty { code = Self.text(root["code"] ?? root["status"] ?? root["statusCode"]) }
        } else if let foreign = ErrorBody(dialect: root) {
            self = foreign
        } else if let detail = root["detail"] {
            self.init(detail: detail)
        } else if root["message"]?.kind == .string, root["object"]?.isText("error") ?? false || root["code"] != nil {
            self.init(object: root)
            if isNone { return nil }
        } else {
            return nil
        }
    }

    /// Reads the member `error`; nil if it is null, empty or not an error.
    init?(member error: JSONValue) {
        if error.isBlank { return nil }
        switch error.kind {
        case .object:
            self.init(object: error)
            if isNone { return nil }
        case .string: self.init(message: Self.text(error), type: "", code: "")
        case .number: self.init(message: "error \(Self.text(error))", type: "", code: Self.text(error))
        case .array: if let first = error.firstElement { self.init(member: first) } else { return nil }
        default: return nil
        }
    }

    /// Maximum bytes of a body that is examined for an error: a longer body is something else.
    static let bodyBytesMax = 1 << 20
    /// Maximum bytes of a message that are read, as written.
    static let messageBytesMax = 4096
    /// Maximum complaints of a list that are read.
    static let complaintsMax = 16

    /// A string or a number as a text, truncated to `messageBytesMax`; empty for other kinds.
    static func text(_ value: JSONValue?) -> String {
        guard let value else { return "" }
        return switch value.kind {
        case .string: value.string(prefixBytesMax: messageBytesMax) ?? ""
        case .number: String(decoding: value.raw.prefix(messageBytesMax), as: UTF8.self)
        default: ""
        }
    }

    /// Reads the whole body of a refusal, whose text alone is enough: `{"message":"..."}`, or no JSON at all. Nil if
    /// there is no text.
    init?(refusing body: [UInt8], with parser: JSONParser) {
        guard body.count <= Self.bodyBytesMax else { return nil }
        if let root = try? parser.parse(body).root {
            if let error = ErrorBody(root) {
                self = error
                return
            }
            self.init(message: Self.words(of: root), type: "", code: "")
        } else {
            guard let first = body.first(where: { $0 > 0x20 }), first != UInt8(ascii: "<") else {
                return nil
            }
            self.init(message: Excerpt.text(body), type: "", code: "")
        }
        if message.isEmpty { return nil }
        // What is not in an API's form may come from any web server.
        isBareNotFound = true
    }

    init(message: String, type: String, code: String) {
        self.message = message
        self.type = type
        self.code = code
    }

    init(object: JSONValue) {
        self.init(
            message: Self.text(object["message"]), type: Self.text(object["type"] ?? object["status"]),
            code: Self.text(object["code"]))
        if message.isEmpty { message = Self.words(of: object) }
        if message.isEmpty { message = Excerpt.text(object.raw) }
        if let metadata = object["metadata"] { quote(metadata) }
    }

    /// Whether it says that all is well: `{"code":0,"message":"success"}`.
    private var isNone: Bool {
        Self.codesOfSuccess.contains(code.lowercased())
            && ["ok", "success", "succeeded", "succeed"].contains(message.lowercased())
    }

    private mutating func quote(_ metadata: JSONValue) {
        isFlagged = metadata["reasons"]?.kind == .array || metadata["flagged_input"]?.kind == .string
        let raw = Self.text(metadata["raw"])
        let inner = (try? JSONParser().parse(Array(raw.utf8)).root).flatMap { ErrorBody($0) }
        quoted = inner?.message ?? raw
    }

    private init(detail: JSONValue) {
        if detail.kind == .object {
            self.init(object: detail["error"] ?? detail)
            return
        }
        if detail.kind == .array {
            let complaints = detail.elements.prefix(Self.complaintsMax).map { complaint in
                let place = (complaint["loc"]?.elements ?? []).prefix(Self.complaintsMax).map(Self.text)
                return place.joined(separator: ".") + ": " + Self.text(complaint["msg"])
            }
            self.init(message: complaints.joined(separator: "; "), type: "", code: "")
            return
        }
        self.init(message: Self.text(detail), type: "", code: "")
        isBareNotFound = message == "Not Found"
    }

    /// The status in a numeric code, as written by gateways into bodies with 200.
    var status: Int? { Int(code).flatMap { (400...599).contains($0) ? $0 : nil } }

    func names(_ words: [String]) -> Bool {
        words.contains { $0.caseInsensitivelyEquals(code) || $0.caseInsensitivelyEquals(type) }
    }

}

extension String {
    /// Whether two codes are equal, ignoring the case of ASCII letters.
    fileprivate func caseInsensitivelyEquals(_ other: String) -> Bool {
        utf8.count == other.utf8.count
            && zip(utf8, other.utf8).allSatisfy { a, b in a == b || a ^ b == 0x20 && (a | 0x20) &- 0x61 < 26 }
    }
}
