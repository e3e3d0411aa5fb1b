internal import Basics
internal import CCurl
internal import Glibc

/// The base address of all requests, as the user named it: with or without `/v1`, with a slash at its end, or with the
/// path of an endpoint (see `joined`).
struct BaseURL: Sendable {
    /// `host:port`, for messages.
    let authority: String
    let isSecure: Bool
    /// Whether the host is an address of one interface (`[fe80::1%25eth0]`), which `authority` does not name.
    let hasZone: Bool
    /// The value of a request's `Host` header: with the port only if it is not the scheme's default.
    let hostHeader: String
    /// Scheme, host and port, as written.
    private let origin: String
    /// The rest up to the query, without trailing slashes.
    private let basePath: String
    /// The host in lower case; an IPv6 address with its brackets.
    private let host: String
    /// The query with its question mark, or nothing.
    private let query: String

    init(_ text: String) throws(RetortError) {
        guard text.isEmpty || text.contains("://") else { throw BaseURL.schemeless(text) }
        guard let handle = curl_url() else { fatalError("out of memory") }
        defer { curl_url_cleanup(handle) }
        let flags = UInt32(CURLU_NON_SUPPORT_SCHEME)
        let status = curl_url_set(handle, CURLUPART_URL, text, flags)
        guard status == CURLUE_OK else {
            let cause = text.isEmpty ? "it is empty" : String(cString: curl_url_strerror(status))
            throw BaseURL.error("the base URL cannot be understood", text, cause)
        }
        let scheme = BaseURL.part(CURLUPART_SCHEME, of: handle) ?? ""
        guard scheme == "http" || scheme == "https" else {
            throw BaseURL.error("the base URL has a scheme other than http or https", text, nil)
        }
        guard let host = BaseURL.part(CURLUPART_HOST, of: handle), !host.isEmpty else {
            throw BaseURL.error("the base URL has no host", text, nil)
        }
        guard BaseURL.part(CURLUPART_USER, of: handle) == nil, BaseURL.part(CURLUPART_PASSWORD, of: handle) == nil
        else {
            throw RetortError(
                .configuration, "the base URL holds a user name or a password",
                remedy: "Give credentials in a header instead: addresses are written to logs.")
        }
        guard BaseURL.part(CURLUPART_FRAGMENT, of: handle) == nil else {
            throw BaseURL.error("the base URL has a fragment", text, nil)
        }
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
            throw BaseURL.error("the base URL holds a space or a control character", text, nil)
        }
        let port = BaseURL.part(CURLUPART_PORT, of: handle, UInt32(CURLU_DEFAULT_PORT)) ?? ""
        authority = "\(host):\(port)"
        hostHeader = BaseURL.part(CURLUPART_PORT, of: handle, UInt32(CURLU_NO_DEFAULT_PORT)) == nil ? host : authority
        isSecure = scheme == "https"
        hasZone = BaseURL.part(CURLUPART_ZONEID, of: handle) != nil
        self.host = host.lowercased()
        let pieces = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let address = pieces[0]
        let hostStart = address.firstRange(of: "://")?.upperBound ?? address.startIndex
        let pathStart = address[hostStart...].firstIndex(of: "/") ?? address.endIndex
        origin = String(address[..<pathStart])
        basePath = EndpointPath.withoutSlashes(address[pathStart...])
        query = pieces.count > 1 ? "?\(pieces[1])" : ""
    }

    /// The address of a path that begins with a slash. A query of the base URL stays at the end.
    func joined(_ path: String) -> String { origin + EndpointPath.joined(basePath, path, host: host) + query }

    /// A host without the brackets of an address.
    var bareHost: String { host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host }

    /// An address to which libcurl opens the same connections without TLS.
    var clearTextAddress: String { isSecure ? "http://\(authority)/" : joined("/") }

    /// The target in the request line for that path: path and query, as libcurl would send them. Nil if it is not a
    /// valid path.
    func target(_ path: String) -> String? {
        guard let handle = curl_url() else { fatalError("out of memory") }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, joined(path), 0) == CURLUE_OK else { return nil }
        let query = BaseURL.part(CURLUPART_QUERY, of: handle).map { "?\($0)" } ?? ""
        return (BaseURL.part(CURLUPART_PATH, of: handle) ?? "/") + query
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer, _ flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    private static func schemeless(_ text: String) -> RetortError {
        var rest = text[...]
        for prefix in ["https:", "http:"] where rest.hasPrefix(prefix) { rest = rest.dropFirst(prefix.count) }
        rest = rest.drop { $0 == "/" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        // A local host has a port, a number or no dot.
        let isOwn = authority.contains(":") || !authority.contains(where: \.isLetter) || !authority.contains(".")
        let guess = "\(isOwn && !authority.hasSuffix(":443") ? "http" : "https")://\(rest)"
        return RetortError(.configuration, "the base URL has no scheme", at: text, remedy: "Did you mean \(guess)?")
    }

    private static func error(_ message: String, _ text: String, _ cause: String?) -> RetortError {
        RetortError(
            .configuration, message, at: text.isEmpty ? nil : text, cause: cause,
            remedy: "It should look like https://api.example.com/v1 or http://localhost:8000/v1.")
    }
}
