import Dataset
package import HTTPServer
import JSONText
package import ModelAPI

/// An error of `retort serve` itself, in the form of the API that the client speaks.
package struct ClientError: Error, Sendable, Hashable {
    package var status: Int
    package var message: String
    /// OpenAI's name for the kind of error.
    package var kind: String
    package var code: String?
    /// Seconds after which a retry may succeed.
    package var retryAfterSeconds: Int?

    package init(_ status: Int, _ message: String, code: String? = nil, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.message = message
        self.code = code
        self.retryAfterSeconds = retryAfterSeconds
        kind = Self.kind(of: status)
    }

    private static func kind(of status: Int) -> String {
        switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 429: "rate_limit_error"
        case 500...: "api_error"
        default: "invalid_request_error"
        }
    }

    package func response(to provider: Provider) -> HTTPResponse {
        var members = [
            JSONTree.Member("message", .text(message)), JSONTree.Member("type", .text(anthropicKind(provider))),
        ]
        var headers: [(name: String, value: String)] = []
        if let retryAfterSeconds { headers.append(("retry-after", String(retryAfterSeconds))) }
        var body: [JSONTree.Member] = []
        switch provider {
        case .openAI:
            members += [
                JSONTree.Member("param", .null), JSONTree.Member("code", code.map { .text($0) } ?? .null),
            ]
        case .anthropic: body.append(JSONTree.Member("type", .text("error")))
        }
        body.append(JSONTree.Member("error", .object(members)))
        return HTTPResponse(
            status: status, contentType: "application/json", headers: headers,
            body: .bytes(JSONTree.object(body).line))
    }

    /// Anthropic has its own names for a missing resource and for a body that is too long.
    private func anthropicKind(_ provider: Provider) -> String {
        guard provider == .anthropic else { return kind }
        return switch status {
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 503: "overloaded_error"
        default: kind
        }
    }
}
