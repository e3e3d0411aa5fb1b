import CMicroHTTPD

/// The callbacks of libmicrohttpd, all on the server's thread. The context is the core, a request's state an exchange.
extension ServerCore {
    private static func core(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
        context.map { Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Called with a request's headers, with each part of its body, at its end, and after each resume.
    static let handleRequest: MHD_AccessHandlerCallback = {
        context, connection, path, method, _, bytes, byteCount, state in
        guard let core = core(context), let connection, let path, let method, let byteCount, let state else {
            return .NO
        }
        guard let known = state.pointee else {
            let exchange = ServerExchange(
                connection, method: String(cString: method), path: String(cString: path), core: core)
            guard core.register(exchange) else { return .NO }
            state.pointee = Unmanaged.passRetained(exchange).toOpaque()
            return exchange.admit()
        }
        let exchange = Unmanaged<ServerExchange>.fromOpaque(known).takeUnretainedValue()
        if byteCount.pointee > 0, let bytes {
            let isTaken = exchange.receive(UnsafeRawBufferPointer(start: bytes, count: byteCount.pointee))
            byteCount.pointee = 0
            return isTaken ? .YES : .NO
        }
        return exchange.advance()
    }

    /// Called when a request is over, answered or not.
    static let requestCompleted: MHD_RequestCompletedCallback = { context, connection, state, _ in
        if let connection { core(context)?.ended(connection) }
        guard let opaque = state?.pointee else { return }
        state?.pointee = nil
        let exchange = Unmanaged<ServerExchange>.fromOpaque(opaque).takeRetainedValue()
        exchange.end()
        core(context)?.forget(exchange)
    }

    /// Called when a connection has been accepted, and before it is closed.
    static let connectionChanged: MHD_NotifyConnectionCallback = { context, connection, _, change in
        guard let core = core(context), let connection else { return }
        if change == .CONNECTION_NOTIFY_STARTED { core.opened(connection) } else { core.closed(connection) }
    }
}
