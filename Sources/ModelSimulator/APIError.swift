import JSONText

/// An error as OpenAI's API words it: an HTTP status and `{"error": {"message", "type", "param", "code"}}`
/// (https://platform.openai.com/docs/guides/error-codes).
struct APIError: Error, Hashable {
    var status: Int
    var type: String
    var param: String?
    var code: String?
    var message: String

    init(_ status: Int, _ type: String, param: String? = nil, code: String? = nil, _ message: String) {
        self.status = status
        self.type = type
        self.param = param
        self.code = code
        self.message = message
    }

    static func invalidRequest(_ message: String, param: String? = nil, code: String? = nil) -> APIError {
        APIError(400, "invalid_request_error", param: param, code: code, message)
    }

    static func rateLimited(_ message: String, type: String = "requests") -> APIError {
        APIError(429, type, code: "rate_limit_exceeded", message)
    }

    static let invalidKey = APIError(
        401, "invalid_request_error", code: "invalid_api_key", "The API key is missing or is not the configured one.")

    static func unknownModel(_ name: String) -> APIError {
        APIError(
            404, "invalid_request_error", param: "model", code: "model_not_found",
            "The model `\(name)` does not exist on this simulator.")
    }

    static let unknownPath = APIError(
        404, "invalid_request_error", code: "unknown_url", "There is nothing at this path.")

    static func wrongMethod(allowed: String) -> APIError {
        APIError(405, "invalid_request_error", code: "method_not_supported", "Only \(allowed) is allowed at this path.")
    }

    static let tooLarge = APIError(413, "invalid_request_error", "The request body is too large.")

    /// The JSON body, in the error format of the endpoint.
    func body(for endpoint: CompletionRequest.Endpoint?) -> [UInt8] { endpoint == .messages ? messagesBody : body }

    /// `{"type": "error", "error": {"type", "message"}}` (https://docs.anthropic.com/en/api/errors).
    private var messagesBody: [UInt8] {
        let name =
            switch status {
            case 401: "authentication_error"
            case 403: "permission_error"
            case 404: "not_found_error"
            case 413: "request_too_large"
            case 429: "rate_limit_error"
            case 529: "overloaded_error"
            case 500...: "api_error"
            default: "invalid_request_error"
            }
        var bytes: [UInt8] = []
        bytes.append(text: #"{"type":"error","error":{"type":"#)
        JSONString.append(name, to: &bytes)
        bytes.append(text: #","message":"#)
        JSONString.append(message, to: &bytes)
        bytes.append(text: "}}")
        return bytes
    }

    /// `{"error": {"message", "type", "param", "code"}}`.
    private var body: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(text: #"{"error":{"message":"#)
        JSONString.append(message, to: &bytes)
        bytes.append(text: #","type":"#)
        JSONString.append(type, to: &bytes)
        for (key, value) in [(#","param":"#, param), (#","code":"#, code)] {
            bytes.append(contentsOf: key.utf8)
            if let value { JSONString.append(value, to: &bytes) } else { bytes.append(text: "null") }
        }
        bytes.append(text: "}}")
        return bytes
    }
}
