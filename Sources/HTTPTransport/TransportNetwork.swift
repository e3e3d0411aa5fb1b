internal import Basics
internal import Glibc

/// Proxies and trusted certificates, as set in the environment for curl.
public struct TransportNetwork: Sendable, Hashable {
    /// For `http` addresses; nil: a direct connection.
    public var httpProxy: String?
    /// For `https` addresses.
    public var httpsProxy: String?
    /// Hosts that are reached directly, separated by commas; `*` for all.
    public var noProxy: String?
    /// A PEM file of trusted certificates instead of the system's.
    public var certificateFile: String?
    /// A directory of hashed certificates instead of the system's.
    public var certificateDirectory: String?

    /// Direct connections and the system's certificates.
    public init() {}

    /// The settings of the environment. Lower-case names take precedence. `HTTP_PROXY` in upper case is ignored, as by
    /// curl, because a web server can be made to set it (https://httpoxy.org).
    public init(environment: [String: String]) {
        func first(_ names: String...) -> String? {
            names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        httpProxy = first("http_proxy", "all_proxy", "ALL_PROXY")
        httpsProxy = first("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        noProxy = first("no_proxy", "NO_PROXY")
        certificateFile = first("CURL_CA_BUNDLE", "SSL_CERT_FILE")
        certificateDirectory = certificateFile == nil ? first("SSL_CERT_DIR") : nil
    }

    func proxy(secure: Bool) -> String? { secure ? httpsProxy : httpProxy }

    /// Throws if a named file cannot be read, instead of failing at the handshake.
    func validate() throws(RetortError) {
        for path in [certificateFile, certificateDirectory] {
            guard let path, access(path, R_OK) != 0 else { continue }
            throw RetortError(
                .configuration, "the trusted certificates cannot be read", at: path,
                cause: String(cString: strerror(errno)),
                remedy: "Check CURL_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR.")
        }
    }
}
