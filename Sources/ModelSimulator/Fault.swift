/// A fault that the simulator can inject. The raw value is its name in fault specifications and in counts.
public enum Fault: String, Sendable, Hashable, CaseIterable {
    /// 429 with Retry-After.
    case rateLimited = "429"
    /// 429 without Retry-After.
    case rateLimitedBare = "429-bare"
    /// 429 with the error code of an empty account.
    case insufficientQuota = "insufficient-quota"
    case internalError = "500"
    case unavailable = "503"
    case overloaded = "529"
    case badRequest = "400"
    case unauthorized = "401"
    case forbidden = "403"
    /// 404 that concerns neither the path nor the model.
    case missing = "404"
    case tooLarge = "413"
    case unprocessable = "422"
    /// The request is read and never answered.
    case hang
    /// Half of the body, then silence.
    case stall
    /// Half of the body, then a TCP reset.
    case reset
    /// Valid HTTP with half of the JSON.
    case truncate
    /// 200 with a web page instead of JSON.
    case garbage
    /// Valid HTTP and JSON with a broken answer: no choices, no content, or truncated JSON when JSON was requested.
    case malformed
    /// 200 with no body at all.
    case empty
    /// A valid answer that ends early with `finish_reason: length`.
    case length
    /// One choice fewer than requested, if several were requested.
    case fewerChoices = "fewer-choices"
    /// `finish_reason: content_filter`, and no text.
    case contentFilter = "content-filter"
    /// A valid answer of very many bytes.
    case huge
    /// A valid answer that takes several times as long.
    case slow

    /// Whether the client gets an answer that it can keep.
    var isAnswer: Bool {
        switch self {
        case .length, .huge, .slow, .fewerChoices: true
        default: false
        }
    }

    /// The error sent instead of an answer, if the fault is an error.
    var error: APIError? {
        switch self {
        case .rateLimited, .rateLimitedBare: .rateLimited("Too many requests for this simulated account.")
        case .insufficientQuota:
            APIError(
                429, "insufficient_quota", code: "insufficient_quota",
                "The simulated account has used up its quota.")
        case .internalError: APIError(500, "server_error", "The simulated server failed on this request.")
        case .unavailable: APIError(503, "server_error", "The simulated server is overloaded or being restarted.")
        case .overloaded: APIError(529, "overloaded_error", "The simulated server is overloaded.")
        case .badRequest:
            APIError(400, "invalid_request_error", code: "invalid_value", "The simulated server rejects this request.")
        case .unauthorized: .invalidKey
        case .forbidden:
            APIError(403, "permission_error", code: "permission_denied", "The key may not do this on the simulator.")
        case .missing:
            APIError(404, "invalid_request_error", code: "file_not_found", "The simulated file does not exist.")
        case .tooLarge: .tooLarge
        case .unprocessable:
            APIError(422, "invalid_request_error", code: "unprocessable", "The simulated server cannot process this.")
        default: nil
        }
    }
}
