import Basics
import CMicroHTTPD
import Glibc

/// One request in the server, from its headers to the last byte of its reply. Confined to the server's thread;
/// libmicrohttpd holds it as the request's context.
final class Exchange {
    enum Phase {
        case receiving
        /// Suspended until the reply is due.
        case waiting
        case sending
        /// Closed at the next libmicrohttpd callback.
        case aborted
    }

    let connection: OpaquePointer
    /// The loop outlives its exchanges.
    unowned let loop: ServerLoop
    var request: Responder.Request
    var phase = Phase.receiving
    var reply = Reply()
    /// When the first byte of the reply was due.
    var due = Instant(nanoseconds: 0)
    /// The ledger's epoch when this request was counted; nil unless it is a request for a completion.
    var epoch: Int?
    var isTooLarge = false
    /// Sending has reached the point after which nothing more is sent.
    var isStalled = false

    static let requestBytesMax = 64 * 1024 * 1024

    init(connection: OpaquePointer, route: Route, loop: ServerLoop) {
        self.connection = connection
        self.loop = loop
        request = Responder.Request(route: route)
    }

    /// Adds a part of the request's body.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard request.body.count + bytes.count <= request.route.bodyBytesMax else {
            isTooLarge = true
            request.body = []
            return
        }
        request.body.append(contentsOf: bytes)
    }

    private var socket: Int32 { retort_mhd_connection_socket(connection) }

    /// Whether the client has closed or half closed the connection. HTTP clients half close it when they give up.
    var isAbandoned: Bool {
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }

    /// Resets the TCP connection at once: on Linux, dissolving a socket's association (AF_UNSPEC) does that. The socket
    /// then reports an error, on which libmicrohttpd closes it.
    func resetConnection() {
        var nobody = sockaddr()
        nobody.sa_family = sa_family_t(AF_UNSPEC)
        connect(socket, &nobody, socklen_t(MemoryLayout<sockaddr>.size))
    }
}

extension Exchange {
    /// Queues the reply. If the body is sent in parts, `pull` reads them; it gets this exchange, retained.
    func queueReply(pull: MHD_ContentReaderCallback, release: MHD_ContentReaderFreeCallback) -> MHD_Result {
        guard let response = makeResponse(pull: pull, release: release) else { return .NO }
        defer { MHD_destroy_response(response) }
        MHD_add_response_header(response, "content-type", reply.contentType)
        for (name, value) in reply.headers { MHD_add_response_header(response, name, value) }
        phase = .sending
        return MHD_queue_response(connection, UInt32(reply.status), response)
    }

    /// A larger body is read in parts instead of copied whole.
    private static let copiedBytesMax = 256 * 1024
    private static let readBytes = 64 * 1024

    private func makeResponse(
        pull: MHD_ContentReaderCallback, release: MHD_ContentReaderFreeCallback
    ) -> OpaquePointer? {
        if reply.marks.isEmpty, reply.ending == .whole, reply.body.count <= Self.copiedBytesMax {
            return reply.body.withUnsafeBytes { bytes in
                MHD_create_response_from_buffer(
                    bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
            }
        }
        let size = reply.marks.isEmpty ? UInt64(reply.body.count) : UInt64.max  // MHD_SIZE_UNKNOWN
        let retained = Unmanaged.passRetained(self)
        let response = MHD_create_response_from_callback(size, Self.readBytes, pull, retained.toOpaque(), release)
        if response == nil { retained.release() }
        return response
    }
}
