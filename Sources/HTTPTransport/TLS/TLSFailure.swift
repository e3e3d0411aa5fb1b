internal import COpenSSL
internal import Glibc
internal import ModelAPI

/// Why a TLS handshake failed, in words for people.
struct TLSFailure {
    var kind: TransportFailure.Kind
    var words: String

    /// The network or the server cut it off. `number` is the system's error number, or 0.
    static func broken(_ number: Int32) -> TLSFailure {
        let reason = number == 0 ? "the connection was closed" : String(cString: strerror(number))
        return TLSFailure(kind: .connection, words: "the TLS handshake failed: \(reason)")
    }

    /// OpenSSL's verdict about the server's certificate, its last error, and the host that was wanted.
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
        // A server in trouble: the next handshake may succeed.
        let isPassing = reason == RETORT_ALERT_INTERNAL_ERROR
        return TLSFailure(kind: isPassing ? .connection : .tls, words: "the TLS handshake failed: \(words)")
    }

    static let noTLS = "the server does not answer in TLS (is the address one for http?)"

    /// What OpenSSL says of bytes that are no TLS.
    private static let meansNoTLS = [
        "wrong version number", "packet length too long", "http request", "record layer failure", "unexpected message",
    ]
}
