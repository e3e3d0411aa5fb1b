import Basics
import CMicroHTTPD
import Glibc

/// One request on its way through the server. On the server's thread, but for `abort`.
final class ServerExchange: @unchecked Sendable {
    private enum Phase {
        case receiving
        case waiting
        case sending
    }

    private let connection: OpaquePointer
    private unowned let core: ServerCore
    private var request: HTTPRequest
    private let match: Router.Match
    private let bodyBytesMax: Int
    private var phase = Phase.receiving
    private var received = 0
    private let slot = ReplySlot()
    /// The body that is being sent, for whoever stops the server.
    private let stream = Locked<(stream: PieceStream?, isAborted: Bool)>((nil, false))

    /// A body that goes on so far beyond the limit is not read to its end.
    private static let excessFactor = 16
    private static let readBytes = 16 * 1024

    init(_ connection: OpaquePointer, method: String, path: String, core: ServerCore) {
        self.connection = connection
        self.core = core
        request = HTTPRequest(method: method, path: path)
        match = core.router.match(method: method, path: path)
        var limit: Int?
        if case .route(let route, let parameters) = match {
            limit = route.bodyBytesMax
            request.parameters = parameters
        }
        bodyBytesMax = limit ?? core.configuration.bodyBytesMax
        request.headers = values(.HEADER_KIND).map { ($0.name.lowercased(), $0.value) }
        request.query = values(.GET_ARGUMENT_KIND)
    }

    private func values(_ kind: MHD_ValueKind) -> [(name: String, value: String)] {
        var list: [(name: String, value: String)] = []
        withUnsafeMutablePointer(to: &list) { list in
            _ = MHD_get_connection_values(
                connection, kind,
                { list, _, name, value in
                    guard let list, let name else { return .YES }
                    let pair = (name: String(cString: name), value: value.map { String(cString: $0) } ?? "")
                    list.assumingMemoryBound(to: [(name: String, value: String)].self).pointee.append(pair)
                    return .YES
                }, list)
        }
        return list
    }

    /// Adds a part of the body. False if it is beyond all measure.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        received += bytes.count
        if received > bodyBytesMax {
            request.body = []
            return received / Self.excessFactor <= bodyBytesMax
        }
        request.body.append(contentsOf: bytes)
        return true
    }

    /// The request is whole, or its reply is there.
    func advance() -> MHD_Result {
        switch phase {
        case .receiving:
            phase = .waiting
            begin()
            return take()
        case .waiting: return take()
        case .sending: return .YES
        }
    }

    private func begin() {
        let reply = PendingReply(slot)
        if received > bodyBytesMax {
            return reply.send(core.configuration.fault(413, "the body is longer than \(bodyBytesMax) bytes"))
        }
        if let response = core.configuration.gate(request) { return reply.send(response) }
        switch match {
        case .route(let route, _): route.handler(request, reply)
        case .noPath: reply.send(core.configuration.fault(404, "there is nothing at \(request.path)"))
        case .noMethod(let allowed):
            var response = core.configuration.fault(405, "\(request.method) is not allowed here")
            response.headers.append(("allow", allowed.joined(separator: ", ")))
            reply.send(response)
        }
        request.body = []
    }

    private func take() -> MHD_Result {
        switch slot.take(for: connection) {
        case .suspended: return .YES
        case .aborted: return .NO
        case .response(let response):
            phase = .sending
            return queue(response)
        }
    }

    private func queue(_ response: HTTPResponse) -> MHD_Result {
        let made: OpaquePointer?
        switch response.body {
        case .bytes(let bytes):
            made = bytes.withUnsafeBytes {
                MHD_create_response_from_buffer(
                    $0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
            }
        case .file(let descriptor, let bytes):
            made = MHD_create_response_from_fd64(UInt64(max(0, bytes)), descriptor)
            if made == nil { close(descriptor) }
        case .stream(let stream): made = makeResponse(stream)
        }
        guard let made else { return .NO }
        defer { MHD_destroy_response(made) }
        for (name, value) in response.headers { MHD_add_response_header(made, name, value) }
        return MHD_queue_response(connection, UInt32(response.status), made)
    }

    private func makeResponse(_ stream: PieceStream) -> OpaquePointer? {
        let isRefused = self.stream.withLock { kept in
            if kept.isAborted || !stream.attach(connection) { return true }
            kept.stream = stream
            return false
        }
        if isRefused { return nil }
        let retained = Unmanaged.passRetained(stream)
        let unknownSize = UInt64.max  // MHD_SIZE_UNKNOWN
        let response = MHD_create_response_from_callback(
            unknownSize, Self.readBytes,
            { stream, _, buffer, room in
                guard let stream, let buffer else { return -2 }
                return Unmanaged<PieceStream>.fromOpaque(stream).takeUnretainedValue().pull(into: buffer, room: room)
            }, retained.toOpaque(), { stream in stream.map { Unmanaged<PieceStream>.fromOpaque($0).release() } })
        if response == nil { retained.release() }
        return response
    }

    func end() {
        let stream = stream.withLock { kept in
            defer { kept.stream = nil }
            return kept.stream
        }
        stream?.detach()
    }

    /// The server stops. Any thread.
    func abort() {
        slot.abort()
        let stream = stream.withLock { kept in
            kept.isAborted = true
            return kept.stream
        }
        stream?.abort()
    }
}
