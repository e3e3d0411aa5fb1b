/// A complete request.
public struct HTTPRequest: Sendable {
    public var method: String
    /// Decoded, without the query.
    public var path: String
    /// Decoded, in their order.
    public var query: [(name: String, value: String)] = []
    /// Names in lower case, in their order.
    public var headers: [(name: String, value: String)] = []
    /// The values of `{name}` segments in the route's path.
    public var parameters: [String: String] = [:]
    public var body: [UInt8] = []

    public init(method: String, path: String) {
        self.method = method
        self.path = path
    }

    /// The first header of that name, which is in lower case.
    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// The first value of that name in the query.
    public func queryValue(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// The token of `Authorization: Bearer TOKEN`.
    public var bearerToken: String? {
        guard let value = header("authorization"), value.lowercased().hasPrefix("bearer ") else { return nil }
        return String(value.dropFirst("bearer ".count))
    }
}
