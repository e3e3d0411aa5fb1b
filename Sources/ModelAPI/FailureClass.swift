/// Why an item has no answer. The raw values are stored in failure records and never change.
public enum FailureClass: String, Sendable, Hashable, CaseIterable {
    /// 429: the API asks for a lower rate.
    case rateLimited = "rate_limited"
    /// 5xx, or a body that no healthy server sends.
    case server
    /// No connection, no first byte or no end in time; 408.
    case timeout
    /// The exchange broke off below HTTP.
    case connection
    /// The key or its permissions were rejected.
    case auth
    /// The API calls the request itself invalid: retrying cannot help.
    case badRequest = "bad_request"
    /// A filter withheld the answer.
    case contentFilter = "content_filter"
    /// The model answered, but not in the requested form.
    case invalidOutput = "invalid_output"
    /// A verifier rejected the answer.
    case verifier
    /// The input row could not be turned into a request.
    case badInput = "bad_input"
}
