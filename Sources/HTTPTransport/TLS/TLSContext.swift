internal import COpenSSL
internal import Glibc

/// Shared by all TLS connections to the server. Confined to the loop after `init`.
final class TLSContext: @unchecked Sendable {
    private let context: OpaquePointer
    private let trust: TrustStore
    /// The name that the certificate must have.
    private let host: UnsafeMutablePointer<CChar>
    /// A numeric address cannot be sent as a server name.
    private let sendsName: Bool
    /// Where a record is assembled before it is written; empty between two writes.
    private let record: UnsafeMutableRawBufferPointer

    /// `host` is a name, or a numeric address without brackets.
    init(_ trust: TrustStore, host: String) {
        let name = host.last == "." ? String(host.dropLast()) : host
        guard let copy = strdup(name), let context = retort_tls_context(trust.store, copy) else {
            fatalError("out of memory")
        }
        self.trust = trust
        self.host = copy
        self.context = context
        record = .allocate(byteCount: TLSContext.recordBytesMax, alignment: 16)
        sendsName = !TLSContext.isAddress(name)
    }

    deinit {
        retort_tls_context_free(context)
        free(host)
        record.deallocate()
    }

    /// The client side of a connection. `socket` is non-blocking, and remains the caller's.
    func stream(_ socket: Int32, offersHTTP2: Bool) -> TLSStream {
        guard let ssl = retort_tls_connection(context, socket, sendsName ? host : nil, offersHTTP2 ? 1 : 0) else {
            fatalError("out of memory")
        }
        return TLSStream(ssl, host: String(cString: host), record: record)
    }

    private static func isAddress(_ text: String) -> Bool {
        var room = in6_addr()
        return inet_pton(AF_INET, text, &room) == 1 || inet_pton(AF_INET6, text, &room) == 1
    }

    /// Maximum plain bytes of a TLS record (RFC 8446, 5.1).
    private static let recordBytesMax = 16 << 10
}
