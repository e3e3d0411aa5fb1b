internal import JSONText

/// Errors of providers with their own forms, most of them with status 200.
extension ErrorBody {
    /// MiniMax `{"base_resp":{"status_code":1008,"status_msg":...}}`, Baidu `{"error_code":...,"error_msg":...}`,
    /// Cloudflare `{"success":false,"errors":[{"code","message"}]}`, gateways `{"statusCode":429,"message":...}`,
    /// `{"code":500,"msg":...}`, `{"error":true,"message":...}` and `{"status":"error","message":...}`. Nil for others.
    init?(dialect root: JSONValue) {
        if let base = root["base_resp"], let code = base["status_code"]?.int, code != 0 {
            self.init(message: Self.text(base["status_msg"]), type: "", code: Self.text(base["status_code"]))
            type = Self.minimaxTypes[code] ?? ""
        } else if let code = root["error_code"], code.kind == .number || code.kind == .string {
            self.init(message: Self.text(root["error_msg"] ?? root["error_message"]), type: "", code: Self.text(code))
            type = code.int.flatMap { Self.baiduTypes[$0] } ?? ""
        } else if root["success"]?.bool == false, let first = root["errors"]?.firstElement {
            self.init(member: first)
        } else if let status = root["statusCode"] ?? root["status_code"], root["message"]?.kind == .string {
            self.init(message: Self.text(root["message"]), type: "", code: Self.text(status))
        } else if Self.isMarkedAsError(root) {
            self.init(message: Self.words(of: root), type: "", code: Self.code(of: root))
            if message.isEmpty { return nil }
        } else {
            return nil
        }
    }

    /// Whether a member other than the message says that it is an error.
    private static func isMarkedAsError(_ root: JSONValue) -> Bool {
        if root["error"]?.bool == true || root["success"]?.bool == false { return true }
        if ["error", "fail", "failed", "failure"].contains(text(root["status"]).lowercased()) { return true }
        guard root["msg"]?.kind == .string || root["errmsg"]?.kind == .string else { return false }
        return !codesOfSuccess.contains(code(of: root).lowercased())
    }

    /// Codes that say that all is well, in lower case.
    static let codesOfSuccess = ["", "0", "200", "ok", "success"]

    private static func code(of root: JSONValue) -> String { text(root["code"] ?? root["errcode"] ?? root["errno"]) }

    /// The first member with a message, under the names that servers use.
    static func words(of root: JSONValue) -> String {
        let places: [StaticString] = [
            "message", "Message", "msg", "errmsg", "err_msg", "error_message", "error_description", "detail", "reason",
        ]
        return places.lazy.map { text(root[$0]) }.first { !$0.isEmpty } ?? ""
    }

    /// The status that the error would have had as an HTTP response; nil if unknown.
    var statusMeant: Int? {
        if let status { return status }
        if let word = [code, type].lazy.compactMap({ Self.statusesOfWords[$0.lowercased()] }).first { return word }
        guard code.utf8.count == 5, let number = Int(code) else { return nil }
        // SiliconFlow's codes: problems of the request, the account or the server.
        return switch number {
        case 20_000..<30_000: 400
        case 30_001: 402
        case 50_000..<60_000: 503
        default: nil
        }
    }

    private static let minimaxTypes = [
        1001: "timeout_error", 1002: "rate_limit_error", 1004: "authentication_error", 1008: "insufficient_balance",
        1026: "content_filter", 1027: "content_filter", 1039: "rate_limit_error", 1041: "rate_limit_error",
        2013: "invalid_request_error", 2049: "authentication_error",
    ]

    private static let baiduTypes = [
        4: "rate_limit_error", 17: "insufficient_quota", 18: "rate_limit_error", 19: "insufficient_quota",
        110: "authentication_error", 111: "authentication_error", 336_501: "rate_limit_error",
        336_502: "rate_limit_error",
    ]

    /// Words in the errors of OpenAI, Anthropic and Google, in lower case.
    private static let statusesOfWords = [
        "invalid_request_error": 400, "invalid_argument": 400, "failed_precondition": 400, "badrequesterror": 400,
        "invalid_prompt": 400, "context_length_exceeded": 400, "invalidparameter": 400,
        "authentication_error": 401, "unauthenticated": 401, "invalid_api_key": 401, "invalidapikey": 401,
        "billing_error": 402, "insufficient_balance": 402, "arrearage": 402,
        "permission_error": 403, "permission_denied": 403, "not_found_error": 404, "not_found": 404,
        "timeout_error": 408, "request_too_large": 413,
        "rate_limit_error": 429, "rate_limit_exceeded": 429, "resource_exhausted": 429, "rate_limit": 429,
        "too_many_requests": 429, "throttling": 429, "requests": 429, "tokens": 429,
        "api_error": 500, "server_error": 500, "internal_error": 500, "internal": 500, "internal_server_error": 500,
        "unavailable": 503, "service_unavailable": 503, "deadline_exceeded": 504, "overloaded_error": 529,
        "overloaded": 529,
    ]
}
