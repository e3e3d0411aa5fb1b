package import Basics
import CommandLine
import Distillation
import Glibc
package import HTTPServer
package import ModelAPI
import ResponseGenerator

/// The HTTP side of `retort serve`: routes and access control.
package struct ServeFront: Sendable {
    package let settings: ServeSettings
    package let taker: RequestTaker
    /// To each server.
    package let transports: [EndpointTransports]
    package let batches: BatchRunner

    /// Maximum connections, if the limit of open files allows.
    package static let connectionsMax = 4096
    /// Maximum bytes of all requests together that have no reply yet.
    private static let bodiesBytesMax = 512 << 20
    package let connectionsMax: Int
    /// An idle keep-alive connection is closed after this time.
    package static let idleTimeout = Interval.seconds(300)

    package func start(on listener: ListeningSocket) throws(RetortError) -> HTTPServer {
        var configuration = HTTPServer.Configuration()
        configuration.connectionsMax = connectionsMax
        configuration.bodiesBytesMax = Self.bodiesBytesMax
        configuration.bodyBytesMax = settings.requestBytesMax
        configuration.idleTimeout = Self.idleTimeout
        let rule = OriginRule(host: settings.address.host, port: listener.port)
        let keys = settings.keys
        configuration.gate = { request in
            let provider = Self.provider(of: request.path)
            if let objection = rule.objection(to: request) {
                return ClientError(403, objection, code: "origin_refused").response(to: provider)
            }
            guard let keys, keys.client(of: request) == nil else { return nil }
            return ClientError(
                401, "a key of this server is needed: Authorization: Bearer KEY", code: "invalid_api_key"
            )
            .response(to: provider)
        }
        configuration.fault = { status, message in ClientError(status, message).response(to: .openAI) }
        return try HTTPServer(configuration, on: listener, routes: routes)
    }

    /// The provider whose error form applies to a path.
    package static func provider(of path: String) -> Provider { path.hasSuffix("/messages") ? .anthropic : .openAI }

    /// Clients' base URLs end in `/v1` or not.
    private var routes: [HTTPRoute] {
        var routes: [HTTPRoute] = []
        for endpoint in RequestBuilder.Endpoint.allCases {
            let path = endpoint.dialect.batchURL
            for path in [path, String(path.dropFirst("/v1".count))] {
                routes.append(
                    HTTPRoute("POST", path) { [taker, settings] request, reply in
                        let client = ConnectedClient(
                            reply, endpoint.dialect.provider, secrets: settings.run.secrets,
                            streamBytesMax: settings.run.responseBytesMax)
                        taker.take(request, endpoint, client, of: settings.keys?.client(of: request))
                    })
            }
        }
        for path in ["/v1/models", "/models"] {
            routes.append(HTTPRoute("GET", path) { request, reply in fetch("/models", request, reply) })
            routes.append(
                HTTPRoute("GET", path + "/{model}") { request, reply in
                    let model = request.parameters["model"] ?? ""
                    // A client of the server would resolve these as path segments.
                    guard model != ".", model != ".." else {
                        return reply.send(ClientError(404, "no such model: \(model)").response(to: .openAI))
                    }
                    fetch("/models/" + Self.escaped(model), request, reply)
                })
        }
        routes.append(HTTPRoute("GET", "/health") { _ in .text(200, "ok") })
        let batches = BatchRoutes(runner: batches) { [settings] in settings.keys?.client(of: $0) }
        for base in ["/v1", ""] { routes += batches.routes(below: base) }
        return routes
    }

    /// Characters that need no escape in a path segment (RFC 3986, 3.3).
    private static func escaped(_ segment: String) -> String {
        PercentEncoding.text(of: segment.utf8) { byte in
            PercentEncoding.isUnreserved(byte) || "!$&'()*+,;=:@".utf8.contains(byte)
        }
    }

    /// Passes on a read-only request; nothing of it is recorded. The first server that can be reached answers.
    private func fetch(_ path: String, _ request: HTTPRequest, _ reply: PendingReply) {
        let isAnthropic = !transports.contains { $0.openAI != nil } || request.header("anthropic-version") != nil
        let provider = isAnthropic ? Provider.anthropic : .openAI
        Task {
            var failure: TransportFailure?
            for way in transports {
                guard let transport = isAnthropic ? way.anthropic ?? way.openAI : way.openAI else { continue }
                let below = isAnthropic && way.anthropic != nil ? "/v1" + path : path
                switch await transport.send(ModelRequest(path: below, body: [])) {
                case .success(let answer):
                    return reply.send(
                        HTTPResponse(
                            status: answer.status, contentType: ClientReply.contentType(of: answer.body),
                            body: .bytes(answer.body)))
                case .failure(let found): failure = found
                }
            }
            let error =
                failure.map { ClientError($0.kind == .timeout ? 504 : 502, $0.message) }
                ?? ClientError(501, "models are not served")
            reply.send(error.response(to: provider))
        }
    }
}
