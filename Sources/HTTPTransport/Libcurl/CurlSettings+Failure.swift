internal import Basics
internal import CCurl
internal import Glibc
internal import ModelAPI

extension CurlSettings {
    /// Whether a handshake ended because it did not choose HTTP/2, which is not a failure of its exchange.
    func isLeft(_ code: CURLcode) -> Bool {
        watch.leavesHTTP1 && watch.hasMetHTTP1
            && (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR)
    }

    /// libcurl's result as a readable failure. It contains neither headers nor bodies.
    func failure(_ code: CURLcode, of transfer: Transfer, _ latency: Interval) -> TransportFailure {
        if transfer.hasTooManyInterim {
            return limits.failure(.malformed, ExchangeLimits.tooManyInterim, after: latency)
        }
        if transfer.isWrongVersion {
            return limits.failure(.malformed, ExchangeLimits.wrongVersion, after: latency)
        }
        if transfer.isTooLarge { return limits.failure(.tooLarge, limits.tooLarge, after: latency) }
        return failure(CurlReport(code, transfer.easy, transfer.errorText), latency)
    }

    func failure(_ report: CurlReport, _ latency: Interval) -> TransportFailure {
        var failure = limits.failure(report.kind, words(report), after: latency)
        failure.stage = report.stage
        return failure
    }

    private func words(_ report: CurlReport) -> String {
        let words = report.words
        let reason = report.systemError == 0 ? words : String(cString: strerror(report.systemError))
        return switch report.code {
        case CURLE_COULDNT_RESOLVE_HOST: "could not resolve host"
        case CURLE_COULDNT_RESOLVE_PROXY: "could not resolve the proxy's host: \(words)"
        case CURLE_COULDNT_CONNECT: "could not connect: \(reason)"
        case CURLE_OPERATION_TIMEDOUT: limits.noConnection
        case CURLE_GOT_NOTHING: limits.noAnswer
        case CURLE_PARTIAL_FILE: limits.cut(words)
        case CURLE_SEND_ERROR: limits.brokenWhileSending(reason)
        case CURLE_RECV_ERROR where report.kind == .connection: limits.broken(reason)
        case CURLE_PEER_FAILED_VERIFICATION: "the server's certificate is not accepted: \(words)"
        case CURLE_SSL_CONNECT_ERROR where words.contains("wrong version number"):
            "the TLS handshake failed: \(TLSFailure.noTLS)"
        case CURLE_SSL_CONNECT_ERROR: "the TLS handshake failed: \(words)"
        case CURLE_FILESIZE_EXCEEDED: limits.tooLarge
        case CURLE_BAD_CONTENT_ENCODING: limits.notDecompressed(words)
        default: words
        }
    }
}

/// libcurl's report about a failed transfer.
struct CurlReport {
    var code: CURLcode
    /// The text of its error buffer, or the code's general description.
    var words: String
    /// The underlying `errno`, or 0.
    var systemError: Int32

    init(code: CURLcode, words: String, systemError: Int32) {
        self.code = code
        self.words = words
        self.systemError = systemError
    }

    /// For a handle that ended with `code`, with its error buffer at `text`.
    init(_ code: CURLcode, _ easy: UnsafeMutableRawPointer, _ text: UnsafePointer<CChar>) {
        let written = String(cString: text)
        var number = 0
        _ = retort_easy_get_long(easy, CURLINFO_OS_ERRNO, &number)
        self.init(
            code: code, words: written.isEmpty ? String(cString: curl_easy_strerror(code)) : written,
            systemError: Int32(truncatingIfNeeded: number))
    }

    /// `number` is a CURLcode.
    init(number: UInt32, words: String) {
        self.init(code: CURLcode(rawValue: number), words: words, systemError: 0)
    }

    var kind: TransportFailure.Kind {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .unresolved
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_FILESIZE_EXCEEDED: .tooLarge
        case CURLE_ABORTED_BY_CALLBACK: .cancelled
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CRL_BADFILE,
            CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED,
            CURLE_SSL_CLIENTCERT:
            .tls
        case CURLE_SSL_CONNECT_ERROR: isBrokenHandshake ? .connection : .tls
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_FUNCTION_ARGUMENT, CURLE_BAD_CONTENT_ENCODING,
            CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_WRITE_ERROR:
            .malformed
        case CURLE_RECV_ERROR: words.hasSuffix("in chunked-encoding") ? .malformed : .connection
        default: .connection
        }
    }

    /// How far the exchange had come, according to the code.
    var stage: TransportFailure.Stage {
        switch code {
        // The transport has its own timers for the rest: libcurl's is the connect timeout.
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT:
            .unconnected
        default: .sent
        }
    }

    /// A handshake that the network interrupted says nothing about certificates: the next one may succeed. OpenSSL
    /// gives both the same code, so its message decides.
    private var isBrokenHandshake: Bool {
        systemError != 0
            || ["SSL_ERROR_SYSCALL", "Connection reset", "unexpected eof", "Broken pipe"].contains {
                words.contains($0)
            }
    }
}
