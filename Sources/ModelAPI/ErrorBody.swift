internal import JSONText

/// An API's error in JSON, in any dialect.
///
/// OpenAI `{"error":{"message","type","code"}}`, Anthropic `{"type":"error","error":{...}}`, Gemini the same in an
/// array, vLLM `{"object":"error","message","type","code"}`, FastAPI `{"detail":...}`, or `{"error":"..."}`.
struct ErrorBody {
    var message: String
    var type: String
    var code: String
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
        if let error = root["error"], error.kind != .null {
            self.init(member: error)
            if type.isEmpty { type = Self.text(root["error_type"]) }
            if code.isEmpty { code = Self.text(root["code"] ?? root["status"] ?? root["statusCode"]) }
        } else if let foreign = ErrorBody(dialect: root) {
            self = foreign
        } else if let detail = root["detail"] {
            self.init(detail: detail)
        } else if root["message"]?.kind == .string, root["object"]?.isText("error") ?? false || root["code"] != nil {
            self.init(object: root)
        } else {
            return nil
        }
    }

    /// Reads the member `error`; nil if it is null, empty or not an error.
    init?(member error: JSONValue) {
        if error.isBlank { return nil }
        switch error.kind {
        case .object: self.init(object: error)
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

    /// Reads a whole body; nil if it is not JSON or not an error.
    init?(_ body: [UInt8], with parser: JSONParser) {
        guard body.count <= Self.bodyBytesMax else { return nil }
        guard let document = try? parser.parse(body) else { return nil }
        self.init(document.root)
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
        if message.isEmpty { message = Excerpt.text(object.raw) }
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

    /// Whether a filter rejected the prompt.
    var isContentFilter: Bool {
        names(["content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation", "moderation"])
            || message.lowercased().contains("requires moderation")
    }
}

extension String {
    /// Whether two codes are equal, ignoring the case of ASCII letters.
    fileprivate func caseInsensitivelyEquals(_ other: String) -> Bool {
        utf8.count == other.utf8.count
            && zip(utf8, other.utf8).allSatisfy { a, b in a == b || a ^ b == 0x20 && (a | 0x20) &- 0x61 < 26 }
    }
}
