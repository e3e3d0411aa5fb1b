internal import COpenSSL
internal import Glibc

/// What all TLS connections to the server share. Confined to the loop after `init`.
final class TLSContext: @unchecked Sendable {
    private let context: OpaquePointer
    private let trust: TrustStore
    /// What the certificate must name.
    private let host: UnsafeMutablePointer<CChar>
    /// An address is no name that a server could be asked for.
    private let sendsName: Bool
    /// Where a record is put together before it is written; empty between two writings.
    private let record: UnsafeMutableRawBufferPointer

    /// `host` is a name, or an address without brackets.
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

    /// The client's end of a connection. `socket` does not block, and stays the caller's.
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

    /// Plain bytes that one TLS record holds (RFC 8446, 5.1).
    private static let recordBytesMax = 16 << 10
}
