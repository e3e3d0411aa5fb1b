/// The handler of the requests for one path.
public struct HTTPRoute: Sendable {
    /// Called on the server's thread: it must not block. The reply may be sent later, and from any thread.
    public typealias Handler = @Sendable (HTTPRequest, PendingReply) -> Void

    public var method: String
    /// Segments of the path; `{name}` matches any one segment.
    let segments: [Substring]
    /// Maximum bytes of a body; nil: the server's limit.
    public var bodyBytesMax: Int?
    let handler: Handler

    public init(_ method: String, _ path: String, bodyBytesMax: Int? = nil, deferred handler: @escaping Handler) {
        self.method = method
        self.bodyBytesMax = bodyBytesMax
        segments = Self.segments(of: path)
        self.handler = handler
    }

    /// A route that replies at once.
    public init(
        _ method: String, _ path: String, bodyBytesMax: Int? = nil,
        _ respond: @escaping @Sendable (HTTPRequest) -> HTTPResponse
    ) {
        self.init(method, path, bodyBytesMax: bodyBytesMax) { request, reply in reply.send(respond(request)) }
    }

    static func segments(of path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }

    /// The values of the named segments; nil if the path does not match.
    func match(_ path: [Substring]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var parameters: [String: String] = [:]
        for (pattern, segment) in zip(segments, path) {
            if pattern.hasPrefix("{"), pattern.hasSuffix("}") {
                guard !segment.isEmpty else { return nil }
                parameters[String(pattern.dropFirst().dropLast())] = String(segment)
            } else if pattern != segment {
                return nil
            }
        }
        return parameters
    }
}

/// The routes of a server.
struct Router: Sendable {
    enum Match {
        case route(HTTPRoute, [String: String])
        case noPath
        /// The path exists, with these methods.
        case noMethod(allowed: [String])
    }

    let routes: [HTTPRoute]

    /// HEAD requests use the route of GET.
    func match(method: String, path: String) -> Match {
        let segments = HTTPRoute.segments(of: path)
        var allowed: [String] = []
        for route in routes {
            guard let parameters = route.match(segments) else { continue }
            if route.method == method || (method == "HEAD" && route.method == "GET") {
                return .route(route, parameters)
            }
            allowed.append(route.method)
        }
        return allowed.isEmpty ? .noPath : .noMethod(allowed: allowed)
    }
}
