internal import JSONText

/// The error an API describes in JSON, whatever dialect it speaks.
///
/// OpenAI `{"error":{"message","type","code"}}`, Anthropic `{"type":"error","error":{...}}`, Gemini the same in an
/// array, vLLM `{"object":"error","message","type","code"}`, FastAPI `{"detail":...}`, or `{"error":"..."}`.
struct ErrorBody {
    var message: String
    var type: String
    var code: String
    /// The path is unknown to the server, whatever the request says: OpenAI's wording, or FastAPI's bare
    /// `{"detail":"Not Found"}`.
    var isUnknownPath: Bool {
        isBareNotFound || code == "unknown_url" || message.hasPrefix("Invalid URL (")
            || message.hasPrefix("Unknown request URL")
    }
    private var isBareNotFound = false

    /// Nil when the value describes no error.
    init?(_ root: JSONValue) {
        if root.kind == .array {
            guard let first = root.firstElement, first.kind == .object else { return nil }
            self.init(first)
            return
        }
        if let error = root["error"] {
            self.init(member: error)
        } else if let detail = root["detail"] {
            self.init(detail: detail)
        } else if root["message"]?.kind == .string, root["object"]?.string == "error" || root["code"] != nil {
            self.init(object: root)
        } else {
            return nil
        }
    }

    /// Reads the member named `error`; nil when it is null or something else that is no error.
    init?(member error: JSONValue) {
        switch error.kind {
        case .object: self.init(object: error)
        case .string: self.init(message: error.string ?? "", type: "", code: "")
        default: return nil
        }
    }

    /// Reads a whole body; nil when it is not JSON or describes no error.
    init?(_ body: [UInt8], with parser: JSONParser) {
        guard let document = try? parser.parse(body) else { return nil }
        self.init(document.root)
    }

    init(message: String, type: String, code: String) {
        self.message = message
        self.type = type
        self.code = code
    }

    private init(object: JSONValue) {
        func text(_ key: StaticString) -> String {
            guard let value = object[key] else { return "" }
            switch value.kind {
            case .string: return value.string ?? ""
            case .number: return String(decoding: value.raw, as: UTF8.self)
            default: return ""
            }
        }
        self.init(message: text("message"), type: text("type"), code: text("code"))
        if message.isEmpty { message = Excerpt.text(object.raw) }
    }

    private init(detail: JSONValue) {
        if detail.kind == .object {
            self.init(object: detail["error"] ?? detail)
            return
        }
        if detail.kind == .array {
            let complaints = detail.elements.map { complaint in
                let place = (complaint["loc"]?.elements ?? []).map {
                    $0.string ?? String(decoding: $0.raw, as: UTF8.self)
                }
                return place.joined(separator: ".") + ": " + (complaint["msg"]?.string ?? "")
            }
            self.init(message: complaints.joined(separator: "; "), type: "", code: "")
            return
        }
        self.init(message: detail.string ?? "", type: "", code: "")
        isBareNotFound = message == "Not Found"
    }

    /// The status a code names when it is a number, as gateways write it into answers under 200.
    var status: Int? { Int(code).flatMap { (400...599).contains($0) ? $0 : nil } }

    func names(_ words: [String]) -> Bool { words.contains(code) || words.contains(type) }

    /// The account has nothing left to spend: waiting does not help.
    var isQuotaSpent: Bool {
        names(["insufficient_quota", "billing_hard_limit_reached", "insufficient_balance", "credit_limit_reached"])
    }

    /// The model's name is wrong: no request of this run can succeed. Under 404 a looser wording says so than under
    /// other statuses, where the same words may be about something else in the request.
    func isModelMissing(under status: Int) -> Bool {
        if names(["model_not_found", "invalid_model"]) { return true }
        let text = message.lowercased()
        if ["model not exist", "model not found", "unknown model", "invalid model"].contains(where: text.contains) {
            return true
        }
        return status == 404 && text.contains("model")
            && ["does not exist", "not found"].contains(where: text.contains)
    }

    /// A filter refused the prompt.
    var isContentFilter: Bool {
        names(["content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation", "moderation"])
            || message.lowercased().contains("requires moderation")
    }
}
