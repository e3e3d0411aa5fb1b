internal import Basics
internal import CCurl
internal import COpenSSL

/// The trusted certificates: read once, used by every connection. Immutable.
final class TrustStore: @unchecked Sendable {
    let store: OpaquePointer

    /// Reads the named file or directory, or else those that libcurl was built with. Throws if a named one contains no
    /// certificate.
    init(_ network: TransportNetwork) throws(RetortError) {
        guard let store = X509_STORE_new() else { fatalError("out of memory") }
        self.store = store
        // Same flags as libcurl: a chain may end at any trusted certificate, and trusted ones are tried first.
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN))
        if network.certificateFile == nil, network.certificateDirectory == nil {
            // A machine without certificates trusts no server, and the handshake's error says so.
            if let file = TrustStore.builtIn(CURLINFO_CAINFO) { _ = X509_STORE_load_file(store, file) }
        }
        if let directory = network.certificateDirectory ?? TrustStore.builtIn(CURLINFO_CAPATH) {
            _ = X509_STORE_load_path(store, directory)
        }
        defer { ERR_clear_error() }
        guard let file = network.certificateFile, X509_STORE_load_file(store, file) != 1 else { return }
        throw RetortError(
            .configuration, "the trusted certificates cannot be read", at: file, cause: TLSWords.lastError(),
            remedy: "CURL_CA_BUNDLE or SSL_CERT_FILE must name a file of certificates in PEM.")
    }

    deinit {
        X509_STORE_free(store)
    }

    /// Gives the store to an `SSL_CTX` instead of the one that libcurl has read for it, and reports handshakes that did
    /// not choose HTTP/2 to the watch; they fail if libcurl must not handle HTTP/1.1. OpenSSL checks the chain as
    /// usual, libcurl the name.
    func share(with context: UnsafeMutableRawPointer, _ watch: ProtocolWatch) {
        let context = OpaquePointer(context)
        SSL_CTX_set1_cert_store(context, store)
        SSL_CTX_set_cert_verify_callback(
            context,
            { chain, watch in
                guard retort_chose_http2(chain) == 0 else { return X509_verify_cert(chain) }
                let isRefused = Unmanaged<ProtocolWatch>.fromOpaque(watch!)._withUnsafeGuaranteedRef {
                    $0.metHTTP1()
                    return $0.leavesHTTP1
                }
                guard isRefused else { return X509_verify_cert(chain) }
                X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION)
                return 0
            }, Unmanaged.passUnretained(watch).toOpaque())
    }

    private static func builtIn(_ info: CURLINFO) -> String? {
        guard let easy = curl_easy_init() else { return nil }
        defer { curl_easy_cleanup(easy) }
        var text: UnsafeMutableRawPointer?
        guard retort_easy_get_pointer(easy, info, &text) == CURLE_OK, let text else { return nil }
        return String(cString: text.assumingMemoryBound(to: CChar.self))
    }
}

/// OpenSSL's message for the last error on this thread.
enum TLSWords {
    static func lastError() -> String { words(ERR_peek_last_error()) }

    static func words(_ error: UInt) -> String {
        ERR_reason_error_string(error).map { String(cString: $0) } ?? "OpenSSL gives no reason"
    }
}
