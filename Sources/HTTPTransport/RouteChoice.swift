extension TransportConfiguration {
    /// Whether HTTP/1.1 to that address needs nothing that libcurl alone can do.
    func isOurs(_ baseURL: BaseURL) -> Bool {
        !usesLibcurlOnly && baseURL.hostHeader.utf8.allSatisfy { $0 < 0x80 } && !(baseURL.isSecure && baseURL.hasZone)
            && isOurs(network.proxy(secure: baseURL.isSecure), isSecure: baseURL.isSecure)
            && !TransportConfiguration.framingHeaders.contains { hasHeader($0) }
    }

    /// libcurl opens a tunnel through a proxy and leaves it to us, unless it has to speak TLS with the proxy. In clear
    /// text a proxy wants requests of another form.
    private func isOurs(_ proxy: String?, isSecure: Bool) -> Bool {
        guard let proxy else { return true }
        return isSecure && !proxy.lowercased().hasPrefix("https:")
    }

    /// Headers that change how an exchange goes, which a caller may set all the same.
    private static let framingHeaders = [
        "Accept-Encoding", "Connection", "Content-Length", "Expect", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade",
    ]
}
