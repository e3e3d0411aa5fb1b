import Basics
import CMicroHTTPD
import Glibc

/// One request from its headers to its response. Used on the server's thread, except `abort`.
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
    /// Bytes of the body held in memory, until the request is over.
    private var taken = 0
    /// The response that is already certain before the body is read; the body is then discarded.
    private var refusal: HTTPResponse?
    /// Bytes of a body that are read and discarded: a rejected client reads the response only after it has sent its
    /// body.
    private var ignoredBytesMax = 0
    private let slot = ReplySlot()
    /// The body being sent, for the thread that stops the server.
    private let stream = Locked<(stream: PieceStream?, isAborted: Bool)>((nil, false))

    /// A body that exceeds the limit by this factor is not read to its end.
    private static let excessFactor = 16
    /// Maximum bytes read from a client that may not use the server.
    private static let strangerBytesMax = 16 << 20
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
        ignoredBytesMax = bodyBytesMax.multipliedSaturated(by: Self.excessFactor)
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

    /// Inspects the headers before the body is read.
    func admit() -> MHD_Result {
        if let response = core.configuration.gate(request) {
            refusal = response
            ignoredBytesMax = Self.strangerBytesMax
        } else {
            switch match {
            case .route:
                let length = request.header("content-length").flatMap { Int($0) } ?? 0
                if length > bodyBytesMax { refusal = tooLong }
            case .noPath: refusal = core.configuration.fault(404, "there is nothing at \(request.path)")
            case .noMethod(let allowed):
                refusal = core.configuration.fault(405, "\(request.method) is not allowed here")
                refusal?.headers.append(("allow", allowed.joined(separator: ", ")))
            }
            core.began(connection)
        }
        // A client that sent `Expect: 100-continue` does not send the body then.
        guard let refusal, request.header("expect")?.lowercased() == "100-continue" else { return .YES }
        phase = .sending
        return queue(refusal)
    }

    private var tooLong: HTTPResponse {
        core.configuration.fault(413, "the body is longer than \(bodyBytesMax) bytes")
    }

    /// Adds a part of the body. False if it is far beyond the limit.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        received += bytes.count
        if refusal == nil {
            if received > bodyBytesMax {
                refusal = tooLong
            } else if !core.takeBodyBytes(bytes.count) {
                refusal = core.configuration.fault(503, "too many bytes of requests are in progress; try again later")
            }
        }
        if refusal != nil {
            releaseBody()
            return received <= ignoredBytesMax
        }
        taken += bytes.count
        request.body.append(contentsOf: bytes)
        return true
    }

    private func releaseBody() {
        request.body = []
        core.returnBodyBytes(taken)
        taken = 0
    }

    /// The request is complete, or its response has arrived.
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
        if let refusal { return reply.send(refusal) }
        if case .route(let route, _) = match { route.handler(request, reply) }
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
        releaseBody()
        let stream = stream.withLock { kept in
            defer { kept.stream = nil }
            return kept.stream
        }
        stream?.detach()
    }

    /// Called when the server stops. Any thread.
    func abort() {
        slot.abort()
        let stream = stream.withLock { kept in
            kept.isAborted = true
            return kept.stream
        }
        stream?.abort()
    }
}
