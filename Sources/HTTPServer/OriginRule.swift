/// Which requests may come from a browser's page: those of the server's own pages. Keeps other sites' pages, and names that
/// are pointed at this machine (DNS rebinding), away from a server on loopback.
public struct OriginRule: Sendable {
    /// What `Host` may be; nil: anything, since the server is reached by names that it does not know.
    private let hosts: Set<String>?

    public init(host: String, port: UInt16) {
        hosts =
            Self.isLoopback(host) ? Set(["127.0.0.1", "localhost", "[::1]", host].map { "\($0):\(port)" }) : nil
    }

    /// Whether only this machine reaches that address.
    public static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || (host.hasPrefix("127.") && !host.contains(":"))
    }

    /// What is wrong with where a request comes from; nil if nothing is.
    public func objection(to request: HTTPRequest) -> String? {
        let named = request.headers.filter { $0.name == "host" }
        guard named.count == 1, let host = named.first?.value.lowercased() else { return "one Host header is needed" }
        if let hosts, !hosts.contains(host) { return "the Host header names another server" }
        guard let origin = request.header("origin") else { return nil }
        let own = ["http://\(host)", "https://\(host)"]
        return own.contains(origin.lowercased()) ? nil : "requests from pages of \(origin) are not taken"
    }
}
