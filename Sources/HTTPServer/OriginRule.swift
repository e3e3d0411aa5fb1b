/// Accepts requests from browsers only if they come from the server's own pages. Blocks other sites' pages, and names
/// that resolve to this machine (DNS rebinding), from a server on loopback.
public struct OriginRule: Sendable {
    /// Allowed values of `Host`; nil: any, since the server may be reached by names that it does not know.
    private let hosts: Set<String>?

    public init(host: String, port: UInt16) {
        hosts =
            Self.isLoopback(host) ? Set(["127.0.0.1", "localhost", "[::1]", host].map { "\($0):\(port)" }) : nil
    }

    /// Whether the address can be reached only from this machine.
    public static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || (host.hasPrefix("127.") && !host.contains(":"))
    }

    /// Why the request's origin is not allowed; nil if it is.
    public func objection(to request: HTTPRequest) -> String? {
        let named = request.headers.filter { $0.name == "host" }
        guard named.count == 1, let host = named.first?.value.lowercased() else { return "one Host header is needed" }
        if let hosts, !hosts.contains(host) { return "the Host header names another server" }
        guard let origin = request.header("origin") else { return nil }
        let own = ["http://\(host)", "https://\(host)"]
        return own.contains(origin.lowercased()) ? nil : "requests from pages of \(origin) are not taken"
    }
}
