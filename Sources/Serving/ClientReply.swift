package import HTTPServer
package import ModelAPI
package import ResponseGenerator

/// The reply to a client: the API's own body if there is one.
package struct ClientReply: Sendable {
    package enum Content: Sendable {
        /// The API's status and body.
        case upstream(status: Int, body: [UInt8])
        case error(ClientError)
    }

    package var content: Content
    /// The id of the record.
    package var id: [UInt8] = []
    /// Whether the answer came from another request.
    package var isReused = false
    /// Whether an automatic retry by the client would be useless.
    package var isFinal = false

    package init(_ error: ClientError) {
        content = .error(error)
        // Retrying is useless.
        isFinal = error.code == "insufficient_quota"
    }

    package init(body: [UInt8], id: [UInt8], isReused: Bool = false) {
        content = .upstream(status: 200, body: body)
        self.id = id
        self.isReused = isReused
    }

    package init(_ failure: ItemFailure, id: [UInt8]) {
        self.id = id
        isFinal = true
        let isWhole = failure.body.count < ItemFailure.bodyBytesMax
        switch failure.status {
        case 400...599 where !failure.body.isEmpty:
            content = .upstream(status: failure.status, body: failure.body)
        case 200...299 where failure.failureClass == .contentFilter && isWhole:
            // Withheld by a content filter, which the body reports in the API's own form.
            content = .upstream(status: failure.status, body: failure.body)
            isFinal = false
        case 400...599: content = .error(ClientError(failure.status, failure.message))
        default:
            content = .error(
                ClientError(
                    failure.failureClass == .timeout ? 504 : 502, failure.message, code: failure.failureClass.rawValue))
        }
    }

    package func response(to provider: Provider) -> HTTPResponse {
        var response: HTTPResponse
        switch content {
        case .error(let error): response = error.response(to: provider)
        case .upstream(let status, let body):
            response = HTTPResponse(status: status, contentType: Self.contentType(of: body), body: .bytes(body))
        }
        if !id.isEmpty { response.headers.append(("x-retort-id", Self.headerText(id))) }
        if isReused { response.headers.append(("x-retort-reused", "1")) }
        if isFinal { response.headers.append(("x-should-retry", "false")) }
        return response
    }

    /// Replaces everything except visible ASCII, the only characters that a header may contain.
    package static func headerText(_ id: [UInt8]) -> String {
        String(decoding: id.map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }

    package static let eventStream = "text/event-stream"

    package static func contentType(of body: [UInt8]) -> String {
        let start = body.firstIndex { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 } ?? body.endIndex
        switch body[start...].first {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""): return "application/json"
        case UInt8(ascii: "<"): return "text/html; charset=utf-8"
        default:
            let isEvents = ["data:", "event:", "id:", "retry:", ":"].contains { body[start...].starts(with: $0.utf8) }
            return isEvents ? eventStream : "text/plain; charset=utf-8"
        }
    }
}
