public import Basics
import CMicroHTTPD
import Glibc

/// A small HTTP/1.1 server for pages, metrics and control: libmicrohttpd on a thread of its own.
///
/// Routes are values; handlers run on the server's thread and must not block. Requests, connections and what waits for
/// slow readers are bounded. Safe to use from any thread but its own.
public final class HTTPServer: Sendable {
    public struct Configuration: Sendable {
        /// Connections at once. For further ones those are closed that have no request; where all have one, they wait to
        /// be accepted.
        public var connectionsMax = 64
        /// Bytes of a request's body.
        public var bodyBytesMax = 1 << 20
        /// Bytes of all bodies together whose requests are not over. A request beyond them is told to come later.
        public var bodiesBytesMax = 256 << 20
        /// A connection on which nothing moves for so long is closed.
        public var idleTimeout = Interval.seconds(60)
        /// Looks at each request before its body is read; a response is sent in the route's place.
        public var gate: @Sendable (HTTPRequest) -> HTTPResponse? = { _ in nil }
        /// The response to a request that no route takes: its status, and what is wrong.
        public var fault: @Sendable (Int, String) -> HTTPResponse = { .text($0, $1) }

        public init() {}
    }

    public let port: UInt16
    private let core: ServerCore
    private let isStopped = Locked(false)

    /// Starts to serve on a numeric address of this machine; port 0 takes a free one.
    public convenience init(
        _ configuration: Configuration = Configuration(), host: String = "127.0.0.1", port: UInt16 = 0,
        routes: [HTTPRoute]
    ) throws(RetortError) {
        try self.init(configuration, on: try ListeningSocket(host: host, port: port), routes: routes)
    }

    /// Starts to serve on a socket that listens, which is closed by `stop`.
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

    /// Requests that have arrived and whose replies are not sent yet.
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
