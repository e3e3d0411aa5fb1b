internal import COpenSSL
internal import Glibc
internal import ModelAPI

/// Why a TLS handshake failed, for display.
struct TLSFailure {
    var kind: TransportFailure.Kind
    var words: String

    /// The network or the server interrupted it. `number` is the system's error number, or 0.
    static func broken(_ number: Int32) -> TLSFailure {
        let reason = number == 0 ? "the connection was closed" : String(cString: strerror(number))
        return TLSFailure(kind: .connection, words: "the TLS handshake failed: \(reason)")
    }

    /// From OpenSSL's verdict on the server's certificate, its last error, and the expected host.
    static func refused(_ verdict: Int, _ error: UInt, _ host: String) -> TLSFailure {
        if verdict != Int(X509_V_OK) {
            let words =
                verdict == Int(X509_V_ERR_HOSTNAME_MISMATCH)
                ? "it is not for the host '\(host)'" : String(cString: X509_verify_cert_error_string(verdict))
            return TLSFailure(kind: .tls, words: "the server's certificate is not accepted: \(words)")
        }
        let reason = retort_error_reason(error)
        if reason == RETORT_UNEXPECTED_EOF { return broken(0) }
        let words = TLSWords.words(error)
        if meansNoTLS.contains(where: words.contains) {
            return TLSFailure(kind: .tls, words: "the TLS handshake failed: \(noTLS)")
        }
        // A server with problems: the next handshake may succeed.
        let isPassing = reason == RETORT_ALERT_INTERNAL_ERROR
        return TLSFailure(kind: isPassing ? .connection : .tls, words: "the TLS handshake failed: \(words)")
    }

    static let noTLS = "the server does not answer in TLS (is the address one for http?)"

    /// OpenSSL's messages about bytes that are not TLS.
    private static let meansNoTLS = [
        "wrong version number", "packet length too long", "http request", "record layer failure", "unexpected message",
    ]
}
