internal import Basics
internal import Glibc

/// The way to the server: proxies and trusted certificates, as curl's users set them in the environment.
public struct TransportNetwork: Sendable, Hashable {
    /// For `http` addresses; nil for a direct connection.
    public var httpProxy: String?
    /// For `https` addresses.
    public var httpsProxy: String?
    /// Hosts that are reached directly, separated by commas; `*` for all.
    public var noProxy: String?
    /// A PEM file of trusted certificates in place of the system's.
    public var certificateFile: String?
    /// A directory of hashed certificates in place of the system's.
    public var certificateDirectory: String?

    /// Direct connections and the system's certificates.
    public init() {}

    /// What the environment asks for. Lower-case names win. `HTTP_PROXY` in upper case is ignored, as curl does,
    /// because a web server can be made to set it (https://httpoxy.org).
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

    /// Throws if a named file cannot be read: better now than as a failed handshake.
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
