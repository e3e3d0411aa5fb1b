public import Basics
public import ModelAPI
internal import Synchronization

/// The real `ModelTransport`, on an event loop. libcurl makes the exchanges; where they are plain HTTP without a proxy
/// it makes the connections alone.
///
/// Connections are kept and reused, answers are decompressed, redirects are not followed, certificates are verified.
/// A kept connection that turns out to be closed before the first byte of an answer is replaced once.
/// Tasks that prefer the loop as their executor pay for no thread hop.
public final class HTTPTransport: ModelTransport {
    private let pool: ExchangePool

    /// Throws `RetortError.configuration` for a base URL, header, limit or certificate file that cannot work.
    /// The loop must run until the transport is shut down or released.
    public init(_ configuration: Configuration, on loop: EventLoop) throws(RetortError) {
        let settings = try CurlSettings(configuration)
        let counters = ExchangePool.Counters()
        let route: any Route =
            PlainRoute.suits(configuration, settings.baseURL)
            ? PlainRoute(loop, settings, counters, RequestHead(configuration, settings.baseURL))
            : CurlRoute(loop, settings, counters)
        pool = ExchangePool(loop, settings.limits, route, counters)
    }

    /// Throws `.configuration` for a base URL that cannot work, saying why.
    public static func check(baseURL: String) throws(RetortError) { _ = try BaseURL(baseURL) }

    deinit {
        pool.loop.execute { [pool] in pool.shutdown() }
    }

    /// POSTs the body to base URL and path. Any thread, any task.
    public func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        if pool.loop.isCurrent { return await exchange(request) }
        return await withTaskExecutorPreference(pool.loop) { await exchangeFromElsewhere(request) }
    }

    /// Ends every exchange in flight, and all later ones, with `.cancelled`; closes all connections.
    public func shutdown() async {
        await withUnsafeContinuation { continuation in
            pool.loop.execute { [pool] in
                pool.shutdown()
                continuation.resume()
            }
        }
    }

    @concurrent
    private func exchangeFromElsewhere(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        await exchange(request)
    }

    private func exchange(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure> {
        // Off the loop only when it has stopped.
        guard pool.loop.isCurrent, !pool.isShut, !Task.isCancelled else {
            return .failure(TransportFailure(.cancelled, "given up before it was sent"))
        }
        let exchange = pool.acquire()
        exchange.prepare(request)
        let ticket = exchange.ticket
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { pool.start(exchange, $0) }
        } onCancel: {
            pool.loop.execute { [pool] in pool.cancel(ticket) }
        }
    }

    /// What the transport has done so far.
    public struct Statistics: Sendable, Hashable {
        public var inFlight: Int
        /// Exchanges that the server or the network ended, well or badly.
        public var exchanges: Int
        public var connectionsOpened: Int
    }

    /// A snapshot. Any thread.
    public var statistics: Statistics {
        Statistics(
            inFlight: pool.counters.inFlight.load(ordering: .relaxed),
            exchanges: pool.counters.exchanges.load(ordering: .relaxed),
            connectionsOpened: pool.counters.connections.load(ordering: .relaxed))
    }
}
