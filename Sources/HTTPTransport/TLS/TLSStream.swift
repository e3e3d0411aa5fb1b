internal import COpenSSL
internal import Glibc

/// One TLS connection on a non-blocking socket. Confined to the loop, and to its context's lifetime.
final class TLSStream: ByteStream {
    private let ssl: OpaquePointer
    private let host: String
    /// The shared buffer in which all connections assemble records.
    private let record: UnsafeMutableRawBufferPointer
    /// Consecutive records without content.
    private var emptyRecords = 0

    init(_ ssl: OpaquePointer, host: String, record: UnsafeMutableRawBufferPointer) {
        self.ssl = ssl
        self.host = host
        self.record = record
    }

    deinit {
        SSL_free(ssl)
    }

    // MARK: Handshake

    /// How far a handshake has come.
    enum Handshake {
        case done
        case waits(Readiness)
        case failed(TLSFailure)
    }

    func shakeHands() -> Handshake {
        ERR_clear_error()
        errno = 0
        let status = SSL_do_handshake(ssl)
        if status == 1 { return .done }
        let number = errno
        switch SSL_get_error(ssl, status) {
        case SSL_ERROR_WANT_READ: return .waits(.readable)
        case SSL_ERROR_WANT_WRITE: return .waits(.writable)
        case SSL_ERROR_SYSCALL: return .failed(.broken(number))
        default: return .failed(.refused(SSL_get_verify_result(ssl), ERR_peek_last_error(), host))
        }
    }

    var choseHTTP2: Bool { retort_tls_chose_http2(ssl) != 0 }

    // MARK: Bytes

    func write(_ head: [UInt8], _ body: [UInt8], from sent: Int) -> ByteFlow {
        let rest = body.dropFirst(max(0, sent - head.count))
        let first = head.dropFirst(sent).prefix(record.count)
        let second = rest.prefix(record.count - first.count)
        first.withUnsafeBytes { record.copyMemory(from: $0) }
        second.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: record[first.count...]).copyMemory(from: $0) }
        ERR_clear_error()
        errno = 0
        let count = SSL_write(ssl, record.baseAddress, Int32(first.count + second.count))
        return count > 0 ? .bytes(Int(count)) : flow(count)
    }

    /// Maximum records without content (session tickets, key updates) between two with content.
    private static let emptyRecordsMax = 256

    func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteFlow {
        while emptyRecords <= Self.emptyRecordsMax {
            ERR_clear_error()
            errno = 0
            let count = SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count))
            if count > 0 {
                emptyRecords = 0
                return .bytes(Int(count))
            }
            // Nothing was missing: a record without content was read, and the next may already be there.
            let wasEmptyRecord = errno != EAGAIN && SSL_get_error(ssl, count) == SSL_ERROR_WANT_READ
            if !wasEmptyRecord { return flow(count) }
            emptyRecords += 1
        }
        return .broken(EPROTO, "TLS: more than \(Self.emptyRecordsMax) records without content follow each other")
    }

    var mayHoldMore: Bool { SSL_has_pending(ssl) == 1 }

    /// The server's closing alert is not waited for.
    func farewell() {
        ERR_clear_error()
        if SSL_get_state(ssl) == TLS_ST_OK { SSL_shutdown(ssl) }
        ERR_clear_error()
    }

    private func flow(_ status: Int32) -> ByteFlow {
        let number = errno
        switch SSL_get_error(ssl, status) {
        case SSL_ERROR_WANT_READ: return .waits(.readable)
        case SSL_ERROR_WANT_WRITE: return .waits(.writable)
        case SSL_ERROR_ZERO_RETURN: return .ended(isProven: true)
        case SSL_ERROR_SYSCALL:
            return number == 0 ? .ended(isProven: false) : .broken(number, String(cString: strerror(number)))
        default:
            let error = ERR_peek_last_error()
            if retort_error_reason(error) == RETORT_UNEXPECTED_EOF { return .ended(isProven: false) }
            return .broken(EPROTO, "TLS: \(TLSWords.words(error))")
        }
    }
}
