extension TransportConfiguration {
    /// Whether HTTP/1.1 to that address needs nothing that only libcurl supports.
    func isOurs(_ baseURL: BaseURL) -> Bool {
        !usesLibcurlOnly && baseURL.hostHeader.utf8.allSatisfy { $0 < 0x80 } && !(baseURL.isSecure && baseURL.hasZone)
            && isOurs(network.proxy(secure: baseURL.isSecure), isSecure: baseURL.isSecure)
            && !TransportConfiguration.framingHeaders.contains { hasHeader($0) }
    }

    /// libcurl opens a tunnel through a proxy and hands it over, unless it must speak TLS with the proxy. In clear text
    /// a proxy needs requests of another form.
    private func isOurs(_ proxy: String?, isSecure: Bool) -> Bool {
        guard let proxy else { return true }
        return isSecure && !proxy.lowercased().hasPrefix("https:")
    }

    /// Headers that change the framing, which a caller may set all the same.
    private static let framingHeaders = [
        "Accept-Encoding", "Connection", "Content-Length", "Expect", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade",
    ]
}
