import Basics
import CMicroHTTPD
import Glibc

/// libmicrohttpd's daemon and its open requests.
final class ServerCore: @unchecked Sendable {
    let configuration: HTTPServer.Configuration
    let router: Router
    /// Open requests. Read and set under the lock; nil once the server is stopping.
    private let exchanges = Locked<[ObjectIdentifier: ServerExchange]?>([:])
    /// Bytes of bodies held in memory.
    private let bodyBytes = Locked(0)
    private let connections: Locked<OpenConnections<OpaquePointer>>
    /// Set by `start`, before the server is visible to any other thread.
    private var daemon: OpaquePointer?

    /// Each connection's memory, for headers and parts of bodies.
    private static let connectionMemoryBytes = 32 * 1024

    init(_ configuration: HTTPServer.Configuration, _ router: Router) {
        self.configuration = configuration
        self.router = router
        connections = Locked(OpenConnections(limit: configuration.connectionsMax))
    }

    /// False if the daemon cannot be started; the caller still owns the socket then.
    func start(_ listener: ListeningSocket) -> Bool {
        let context = Unmanaged.passUnretained(self).toOpaque()
        func item(_ option: MHD_OPTION, _ value: Int, _ pointer: UnsafeMutableRawPointer? = nil) -> MHD_OptionItem {
            MHD_OptionItem(option: option, value: value, ptr_value: pointer)
        }
        let completed: MHD_RequestCompletedCallback = ServerCore.requestCompleted
        let notified: MHD_NotifyConnectionCallback = ServerCore.connectionChanged
        var options = [
            item(.LISTEN_SOCKET, Int(listener.descriptor)),
            item(.CONNECTION_LIMIT, configuration.connectionsMax),
            item(.CONNECTION_MEMORY_LIMIT, Self.connectionMemoryBytes),
            item(.CONNECTION_TIMEOUT, max(1, Int(configuration.idleTimeout.nanoseconds / 1_000_000_000))),
            item(.NOTIFY_COMPLETED, unsafeBitCast(completed, to: Int.self), context),
            item(.NOTIFY_CONNECTION, unsafeBitCast(notified, to: Int.self), context),
            item(.END, 0),
        ]
        var flags = MHD_USE_EPOLL.rawValue | MHD_USE_INTERNAL_POLLING_THREAD.rawValue
        flags |= MHD_ALLOW_SUSPEND_RESUME.rawValue
        if listener.isIPv6 { flags |= MHD_USE_IPv6.rawValue }
        daemon = retort_mhd_start(flags, nil, ServerCore.handleRequest, context, &options)
        return daemon != nil
    }

    /// Resumes suspended connections first: the daemon must not be stopped while any is suspended.
    func stop() {
        let open = exchanges.withLock { exchanges in
            defer { exchanges = nil }
            return exchanges ?? [:]
        }
        for exchange in open.values { exchange.abort() }
        if let daemon { MHD_stop_daemon(daemon) }
        daemon = nil
    }

    /// False once the server is stopping.
    func register(_ exchange: ServerExchange) -> Bool {
        exchanges.withLock { exchanges in
            guard exchanges != nil else { return false }
            exchanges?[ObjectIdentifier(exchange)] = exchange
            return true
        }
    }

    var openRequests: Int { exchanges.withLock { $0?.count ?? 0 } }

    func forget(_ exchange: ServerExchange) {
        exchanges.withLock { $0?[ObjectIdentifier(exchange)] = nil }
    }

    // MARK: Bodies

    /// Reserves room for `count` more bytes of bodies; false if there is none.
    func takeBodyBytes(_ count: Int) -> Bool {
        bodyBytes.withLock { bytes in
            guard count <= configuration.bodiesBytesMax - bytes else { return false }
            bytes += count
            return true
        }
    }

    func returnBodyBytes(_ count: Int) { bodyBytes.withLock { $0 -= count } }

    // MARK: Connections

    func opened(_ connection: OpaquePointer) {
        let surplus = connections.withLock { $0.opened(connection) }
        // The daemon closes a connection when it finds its end. All of these are still open: connections are closed
        // only on this thread.
        for idle in surplus { shutdown(retort_mhd_connection_socket(idle), Int32(SHUT_RDWR)) }
    }

    func closed(_ connection: OpaquePointer) { connections.withLock { $0.closed(connection) } }

    /// An authorised request has begun.
    func began(_ connection: OpaquePointer) { connections.withLock { $0.began(connection) } }

    func ended(_ connection: OpaquePointer) { connections.withLock { $0.ended(connection) } }
}
