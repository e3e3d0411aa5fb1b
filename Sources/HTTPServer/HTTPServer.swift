public import Basics
import CMicroHTTPD
import Glibc

/// A small HTTP/1.1 server for pages, metrics and control: libmicrohttpd on a thread of its own.
///
/// Routes are values; handlers run on the server's thread and must not block. Requests, connections and buffers for
/// slow readers are bounded. Safe to use from any thread except its own.
public final class HTTPServer: Sendable {
    public struct Configuration: Sendable {
        /// Maximum simultaneous connections. Further ones replace idle connections; if all are busy, they wait to be
        /// accepted.
        public var connectionsMax = 64
        /// Maximum bytes of a request's body.
        public var bodyBytesMax = 1 << 20
        /// Maximum bytes of all bodies of open requests together. A request beyond it is told to try again later.
        public var bodiesBytesMax = 256 << 20
        /// A connection without any traffic for this long is closed.
        public var idleTimeout = Interval.seconds(60)
        /// Inspects each request before its body is read. A response that it returns is sent instead of calling the
        /// route.
        public var gate: @Sendable (HTTPRequest) -> HTTPResponse? = { _ in nil }
        /// Makes the response to a request that no route takes, from the status and the problem.
        public var fault: @Sendable (Int, String) -> HTTPResponse = { .text($0, $1) }

        public init() {}
    }

    public let port: UInt16
    private let core: ServerCore
    private let isStopped = Locked(false)

    /// Starts serving on a numeric address of this machine; port 0 picks a free one.
    public convenience init(
        _ configuration: Configuration = Configuration(), host: String = "127.0.0.1", port: UInt16 = 0,
        routes: [HTTPRoute]
    ) throws(RetortError) {
        try self.init(configuration, on: try ListeningSocket(host: host, port: port), routes: routes)
    }

    /// Starts serving on a listening socket, which `stop` closes.
    public init(
        _ configuration: Configuration = Configuration(), on listener: ListeningSocket, routes: [HTTPRoute]
    ) throws(RetortError) {
        port = listener.port
        core = ServerCore(configuration, Router(routes: routes))
        guard core.start(listener) else {
            close(listener.descriptor)
            throw RetortError(
                .io, "the server did not start", at: "port \(listener.port)",
                remedy: "Check the limits on open files and threads (ulimit -n, ulimit -u).")
        }
    }

    /// Complete requests whose responses are not sent yet.
    public var openRequests: Int { core.openRequests }

    deinit { stop() }

    /// Closes every connection and waits for the thread to end.
    public func stop() {
        let isFirst = isStopped.withLock { stopped in
            defer { stopped = true }
            return !stopped
        }
        if isFirst { core.stop() }
    }
}
