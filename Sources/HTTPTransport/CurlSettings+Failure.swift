internal import Basics
internal import CCurl
internal import Glibc
internal import ModelAPI

extension CurlSettings {
    /// libcurl's result as a failure that a person understands. Neither headers nor bodies are part of it.
    func failure(_ code: CURLcode, of transfer: Transfer, _ latency: Interval) -> TransportFailure {
        if let refusal = transfer.refusal { return TransportFailure(refusal, tooLargeMessage, latency: latency) }
        let written = String(cString: transfer.errorText)
        let report = CurlReport(
            code: code, words: written.isEmpty ? String(cString: curl_easy_strerror(code)) : written,
            systemError: transfer.systemError)
        return TransportFailure(report.kind, message(report), latency: latency)
    }

    func message(_ overdue: Transfer.Progress.Overdue) -> String {
        switch overdue {
        case .firstByte: "\(baseURL.authority): no answer within \(timeouts.firstByte.seconds) s"
        case .stalled: "\(baseURL.authority): the answer stopped for \(timeouts.stalled.seconds) s"
        case .total: "\(baseURL.authority): the answer was not complete within \(timeouts.total.seconds) s"
        }
    }

    private var tooLargeMessage: String {
        "\(baseURL.authority): the answer is larger than the limit of \(responseBytesMax) bytes"
    }

    private func message(_ report: CurlReport) -> String {
        let words = report.words
        let reason = report.systemError == 0 ? words : String(cString: strerror(report.systemError))
        let text =
            switch report.code {
            case CURLE_COULDNT_RESOLVE_HOST: "the host name is not known"
            case CURLE_COULDNT_RESOLVE_PROXY: "the proxy's name is not known: \(words)"
            case CURLE_COULDNT_CONNECT: "could not connect: \(reason)"
            case CURLE_OPERATION_TIMEDOUT: "no connection within \(timeouts.connect.seconds) s"
            case CURLE_GOT_NOTHING: "the connection was closed without an answer"
            case CURLE_PARTIAL_FILE: "the connection was closed in the middle of the answer: \(words)"
            case CURLE_SEND_ERROR: "the connection broke while the request was sent: \(reason)"
            case CURLE_RECV_ERROR where report.kind == .connection: "the connection broke: \(reason)"
            case CURLE_PEER_FAILED_VERIFICATION: "the server's certificate is not accepted: \(words)"
            case CURLE_SSL_CONNECT_ERROR: "the TLS handshake failed: \(words)"
            case CURLE_FILESIZE_EXCEEDED: "the answer is larger than the limit of \(responseBytesMax) bytes"
            case CURLE_BAD_CONTENT_ENCODING: "the answer cannot be decompressed: \(words)"
            default: words
            }
        return "\(baseURL.authority): \(text)"
    }
}

/// What libcurl said about a transfer that failed.
struct CurlReport {
    var code: CURLcode
    /// The text of its error buffer, or the code's general description.
    var words: String
    /// The `errno` beneath, or 0.
    var systemError: Int32

    init(code: CURLcode, words: String, systemError: Int32) {
        self.code = code
        self.words = words
        self.systemError = systemError
    }

    /// `number` is a CURLcode.
    init(number: UInt32, words: String) {
        self.init(code: CURLcode(rawValue: number), words: words, systemError: 0)
    }

    var kind: TransportFailure.Kind {
        switch code {
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_FILESIZE_EXCEEDED: .tooLarge
        case CURLE_ABORTED_BY_CALLBACK: .cancelled
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CRL_BADFILE,
            CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED,
            CURLE_SSL_CLIENTCERT:
            .tls
        case CURLE_SSL_CONNECT_ERROR: isBrokenHandshake ? .connection : .tls
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT,
            CURLE_WRITE_ERROR:
            .malformed
        case CURLE_RECV_ERROR: words.hasSuffix("in chunked-encoding") ? .malformed : .connection
        default: .connection
        }
    }

    /// A handshake that the network cut off says nothing about certificates: the next one may succeed. OpenSSL gives
    /// both the same code, so its words decide.
    private var isBrokenHandshake: Bool {
        systemError != 0
            || ["SSL_ERROR_SYSCALL", "Connection reset", "unexpected eof", "Broken pipe"].contains {
                words.contains($0)
            }
    }
}
