import Basics
import CMicroHTTPD
import Glibc

/// The callbacks of libmicrohttpd, all on the server's thread. The context is the server; the request's state is an
/// exchange.
extension ServerLoop {
    private static func loop(_ context: UnsafeMutableRawPointer?) -> ServerLoop {
        Unmanaged<ServerLoop>.fromOpaque(context!).takeUnretainedValue()
    }

    private static func exchange(_ state: UnsafeMutableRawPointer) -> Exchange {
        Unmanaged<Exchange>.fromOpaque(state).takeUnretainedValue()
    }

    /// Called before a connection is accepted; rejects it while the server is down.
    static let acceptPolicy: MHD_AcceptPolicyCallback = { context, _, _ in
        loop(context).isDown ? .NO : .YES
    }

    /// Called with a request's headers, with each part of its body, at its end, and after each resumption.
    static let handleRequest: MHD_AccessHandlerCallback = {
        context, connection, path, method, _, bytes, byteCount, state in
        guard let connection, let path, let method, let byteCount, let state else { return .NO }
        guard let known = state.pointee else {
            let path = String(cString: path)
            let route = Route(method: String(cString: method), path: path)
            let exchange = Exchange(connection: connection, route: route, loop: loop(context))
            exchange.request.form = ProviderForm.of(path).form
            state.pointee = Unmanaged.passRetained(exchange).toOpaque()
            return .YES
        }
        let exchange = exchange(known)
        if byteCount.pointee > 0, let bytes {
            exchange.receive(UnsafeRawBufferPointer(start: bytes, count: byteCount.pointee))
            byteCount.pointee = 0
            return .YES
        }
        return loop(context).advance(exchange)
    }

    private func advance(_ exchange: Exchange) -> MHD_Result {
        switch exchange.phase {
        case .receiving:
            if needsAuthorization { exchange.request.key = key(of: exchange) }
            if case .batches = exchange.request.route { readBatchRequest(exchange) }
            return begin(exchange, at: .now)
        case .waiting: return send(exchange)
        case .sending: return .YES
        case .aborted: return .NO
        }
    }

    private func readBatchRequest(_ exchange: Exchange) {
        func value(_ kind: MHD_ValueKind, _ name: String) -> String? {
            MHD_lookup_connection_value(exchange.connection, kind, name).map { String(cString: $0) }
        }
        exchange.request.contentType = value(.HEADER_KIND, "content-type")
        exchange.request.host = value(.HEADER_KIND, "host")
        exchange.request.after = value(.GET_ARGUMENT_KIND, "after") ?? value(.GET_ARGUMENT_KIND, "after_id")
        exchange.request.limit = value(.GET_ARGUMENT_KIND, "limit").flatMap { Int($0) }
        exchange.request.page = value(.GET_ARGUMENT_KIND, "page").flatMap { Int($0) }.map { min(max(0, $0), 1 << 20) }
        let size = value(.GET_ARGUMENT_KIND, "page_size") ?? value(.GET_ARGUMENT_KIND, "pageSize")
        exchange.request.pageSize = size.flatMap { Int($0) }
        exchange.request.pageToken = value(.GET_ARGUMENT_KIND, "pageToken")
        exchange.request.purpose = value(.GET_ARGUMENT_KIND, "purpose")
    }

    /// `Authorization: Bearer KEY`, Anthropic's `x-api-key: KEY`, or Gemini's `x-goog-api-key: KEY`, the only one that
    /// its own API accepts.
    private func key(of exchange: Exchange) -> String? {
        for header in ["x-api-key", "x-goog-api-key"] {
            guard let value = MHD_lookup_connection_value(exchange.connection, .HEADER_KIND, header) else { continue }
            return String(cString: value)
        }
        if case .batches(.gemini) = exchange.request.route { return nil }
        let value = MHD_lookup_connection_value(exchange.connection, .HEADER_KIND, "authorization")
        guard let text = value.map({ String(cString: $0) }), text.hasPrefix("Bearer ") else { return nil }
        return String(text.dropFirst("Bearer ".count))
    }

    /// Called when a request is over, whether or not its reply was handed over completely.
    static let requestCompleted: MHD_RequestCompletedCallback = { context, _, state, reason in
        guard let opaque = state?.pointee else { return }
        state?.pointee = nil
        let exchange = Unmanaged<Exchange>.fromOpaque(opaque).takeRetainedValue()
        loop(context).end(exchange, isComplete: reason == .REQUEST_TERMINATED_COMPLETED_OK)
    }

    static let connectionChanged: MHD_NotifyConnectionCallback = { context, connection, socketContext, event in
        guard let connection else { return }
        let socket = retort_mhd_connection_socket(connection)
        if event == .CONNECTION_NOTIFY_STARTED {
            loop(context).connectionOpened(socket)
        } else {
            loop(context).connectionClosed(socket)
        }
    }

    private static let endOfStream = -1
    private static let endWithError = -2

    /// Called for the next part of a body that is sent in parts. 0 means that the connection is suspended and nothing
    /// is ready.
    static let pullBody: MHD_ContentReaderCallback = { state, position, buffer, room in
        guard let state, let buffer else { return endWithError }
        let exchange = exchange(state)
        guard exchange.phase != .aborted else { return endWithError }
        let now = Instant.now
        let position = Int(position)
        let ready = exchange.reply.bytesDue(after: now - exchange.due)
        if position < ready {
            let count = min(room, ready - position)
            exchange.reply.body.withUnsafeBytes { body in
                UnsafeMutableRawPointer(buffer).copyMemory(from: body.baseAddress! + position, byteCount: count)
            }
            return count
        }
        if case .reset(let cut) = exchange.reply.ending, position >= cut {
            // libmicrohttpd leaves a chunked body that ends with an error half closed until the next event on its
            // socket; resuming the connection makes libmicrohttpd process it again.
            exchange.resetConnection()
            exchange.phase = .aborted
            exchange.loop.park(exchange, until: now)
            return 0
        }
        if position == exchange.reply.body.count { return endOfStream }
        let next = exchange.reply.nextDue(after: now - exchange.due)
        exchange.isStalled = next == nil || exchange.reply.isCut(at: position)
        exchange.loop.park(exchange, until: exchange.isStalled ? nil : next.map { exchange.due + $0 })
        return 0
    }

    static let releaseBody: MHD_ContentReaderFreeCallback = { state in
        guard let state else { return }
        Unmanaged<Exchange>.fromOpaque(state).release()
    }
}
