internal import Basics
internal import CCurl
internal import Glibc

/// The address that every request's path is joined to. It is taken as it is: no `/v1` is added, nothing is removed.
struct BaseURL: Sendable {
    /// `host:port`, for messages.
    let authority: String
    let isSecure: Bool
    /// The value of a request's `Host`: the port stands there only if it is not the scheme's own.
    let hostHeader: String
    /// Scheme to path, without the last slash.
    private let beforePath: String
    /// The query with its question mark, or nothing.
    private let query: String

    init(_ text: String) throws(RetortError) {
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
        let pieces = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let address = pieces[0]
        beforePath = String(address.last == "/" ? address.dropLast() : address)
        query = pieces.count > 1 ? "?\(pieces[1])" : ""
    }

    /// The address of a path that begins with a slash. A query of the base URL stays at the end.
    func joined(_ path: String) -> String { beforePath + path + query }

    /// What a request line names for that path: path and query, as libcurl would send them.
    /// Nil if it is no path of an address.
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

    private static func error(_ message: String, _ text: String, _ cause: String?) -> RetortError {
        RetortError(
            .configuration, message, at: text.isEmpty ? nil : text, cause: cause,
            remedy: "It should look like https://api.example.com/v1 or http://localhost:8000/v1.")
    }
}
