public import Basics
public import ModelAPI
internal import Synchronization

/// The real `ModelTransport`, on an event loop. HTTP/1.1 uses our own exchanges, in clear text or TLS; libcurl opens
/// the connections, and makes the exchanges of HTTP/2 and of features that only libcurl has.
///
/// Connections are kept alive and reused, answers are decompressed, redirects are not followed, certificates are
/// verified. A kept connection that turns out to be closed before the first byte of an answer is replaced once. A
/// server that sends unrequested bytes gets a new connection for each request (see `AnswerMemory`). Tasks that prefer
/// the loop as their executor need no thread hop.
public final class HTTPTransport: ModelTransport {
    public typealias Configuration = TransportConfiguration
    public typealias Network = TransportNetwork
    public typealias Timeouts = TransportTimeouts

    let loop: EventLoop
    private let watch: ProtocolWatch
    /// Nil if libcurl handles HTTP/1.1 too.
    private let own: ExchangePool?
    private let libcurl: ExchangePool
    private let counters = ExchangePool.Counters()
    private let configuration: Configuration

    /// Throws `RetortError.configuration` for an invalid base URL, header, limit or certificate file. The loop must run
    /// until the transport is shut down or released.
    public init(_ configuration: Configuration, on loop: EventLoop) throws(RetortError) {
        let settings = try CurlSettings(configuration)
        self.loop = loop
        self.configuration = configuration
        libcurl = ExchangePool(loop, settings.limits, CurlRoute(loop, settings, counters), counters)
        watch = settings.watch
        guard configuration.isOurs(settings.baseURL) else {
            own = nil
            return
        }
        let route = HTTP1Route(
            loop, settings, counters, RequestHead(configuration, settings.baseURL),
            connectionsMax: configuration.connectionsMax ?? .max)
        own = ExchangePool(loop, settings.limits, route, counters)
    }

    /// The server's `host:port`, for messages.
    public var authority: String { libcurl.limits.authority }

    /// The pool that currently takes requests. On the loop.
    private var pool: ExchangePool {
        guard let own else { return libcurl }
        return watch.found == .http2 ? libcurl : own
    }

    /// Throws `.configuration` for an invalid base URL, with the reason.
    public static func check(baseURL: String) throws(RetortError) { _ = try BaseURL(baseURL) }

    /// Bulk exchanges with the same server, headers and network; calls use paths beside `path`.
    public func bulk(beside path: String) throws(RetortError) -> BulkLanes {
        var lanes: [BulkTransport] = []
        for _ in 0..<BulkLanes.count { lanes.append(try BulkTransport(configuration, beside: path)) }
        return BulkLanes(lanes)
    }

    deinit {
        loop.execute { [own, libcurl] in HTTPTransport.shutdown(own, libcurl) }
    }

    /// POSTs the body to base URL and path, or GETs them if there is no body. Any thread, any task.
    public func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        if loop.isCurrent { return await exchange(request) }
        return await withTaskExecutorPreference(loop) { await exchangeFromElsewhere(request) }
    }

    /// Ends all exchanges in flight, and all later ones, with `.cancelled`; closes all connections.
    public func shutdown() async {
        await withUnsafeContinuation { continuation in
            loop.execute { [own, libcurl] in
                HTTPTransport.shutdown(own, libcurl)
                continuation.resume()
            }
        }
    }

    private static func shutdown(_ own: ExchangePool?, _ libcurl: ExchangePool) {
        own?.shutdown()
        libcurl.shutdown()
    }

    @concurrent
    private func exchangeFromElsewhere(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        await exchange(request)
    }

    private func exchange(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        // A server's protocol becomes known once, and may fall back once.
        while true {
            // Off the loop only if it has stopped.
            guard loop.isCurrent, !libcurl.isShut, !Task.isCancelled else {
                return .failure(TransportFailure(.cancelled, "given up before it was sent"))
            }
            if let result = await exchange(request, pool) { return result }
        }
    }

    /// Nil: use the other route.
    private func exchange(_ request: ModelRequest, _ pool: ExchangePool) async
        -> Result<ModelReply, TransportFailure>?
    {
        let exchange = pool.acquire()
        exchange.prepare(request)
        let ticket = exchange.ticket
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { pool.start(exchange, $0) }
        } onCancel: {
            loop.execute { [pool] in pool.cancel(ticket) }
        }
    }

    /// Counts of the transport.
    public struct Statistics: Sendable, Hashable {
        public var inFlight: Int
        /// Exchanges that the server or the network ended, successfully or not.
        public var exchanges: Int
        public var connectionsOpened: Int
        /// Whether the server has sent unrequested bytes: its connections are not reused.
        public var sendsUnaskedBytes: Bool
    }

    /// A snapshot. Any thread.
    public var statistics: Statistics {
        Statistics(
            inFlight: counters.inFlight.load(ordering: .relaxed),
            exchanges: counters.exchanges.load(ordering: .relaxed),
            connectionsOpened: counters.connections.load(ordering: .relaxed),
            sendsUnaskedBytes: counters.sendsUnaskedBytes.load(ordering: .relaxed))
    }
}
