internal import Basics
internal import Glibc
internal import ModelAPI

/// HTTP/1.1 exchanges over our own connections, in clear text or TLS, with one write and one read each. libcurl opens
/// the connections, OpenSSL does handshakes, http_parser parses the answers. Confined to the loop.
final class HTTP1Route: Route {
    private typealias Queue = ConnectionQueue<HTTP1Exchange, HTTP1Connection>

    let loop: EventLoop
    /// The read buffer of connections; empty between two reads.
    let buffer: UnsafeMutableRawBufferPointer
    let memory = AnswerMemory()
    /// Whether the server has sent unrequested bytes: each connection carries one request from then on.
    private(set) var isInDisorder = false
    private let settings: CurlSettings
    private let counters: ExchangePool.Counters
    private var head: RequestHead
    private var queue: Queue
    private var connections = PlacedList<HTTP1Connection>()
    private var connectionsMade: UInt64 = 0
    private var slowest = Interval.zero
    private lazy var opener = ConnectionOpener(loop, settings, user: self)

    init(
        _ loop: EventLoop, _ settings: CurlSettings, _ counters: ExchangePool.Counters, _ head: RequestHead,
        connectionsMax: Int
    ) {
        self.loop = loop
        self.settings = settings
        self.counters = counters
        self.head = head
        queue = Queue(connectionsMax: connectionsMax)
        buffer = .allocate(byteCount: HTTP1Route.bufferBytes, alignment: 64)
    }

    deinit {
        buffer.deallocate()
    }

    /// Bytes read at a time.
    private static let bufferBytes = 64 << 10

    var limits: ExchangeLimits { settings.limits }

    // MARK: Exchanges

    func makeExchange(_ pool: ExchangePool) -> Exchange { HTTP1Exchange(self, pool) }

    func writeHead(of request: ModelRequest, to bytes: inout [UInt8]) {
        head.write(path: request.path, headers: request.headers, bodyBytes: request.body.count, to: &bytes)
    }

    func begin(_ exchange: HTTP1Exchange) {
        guard !exchange.head.isEmpty else {
            return exchange.pool.finished(exchange, .failure(failure(of: exchange, .malformed, limits.noSuchPath)))
        }
        exchange.waitsSince = exchange.progress.started
        while let connection = queue.connection(for: exchange) {
            if isUsable(connection) { return connection.carry(exchange) }
            drop(connection)
        }
        openConnections()
    }

    private func isUsable(_ connection: HTTP1Connection) -> Bool {
        connection.isOpen && !connection.isStale(loop.turnStart) && !(isInDisorder && connection.requests > 0)
    }

    func abandon(_ exchange: HTTP1Exchange) {
        guard let connection = exchange.connection else { return queue.gaveUp(exchange) }
        drop(connection)
        openSoon()
    }

    func ended(_ ticket: Exchange.Ticket, _ result: Result<ModelReply, TransportFailure>?) {}

    private func failure(of exchange: HTTP1Exchange, _ kind: TransportFailure.Kind, _ words: String) -> TransportFailure
    {
        limits.failure(kind, words, after: .now - exchange.progress.started)
    }

    // MARK: From connections

    func finished(_ connection: HTTP1Connection, _ exchange: HTTP1Exchange, _ reply: ModelReply, isKept: Bool) {
        if reply.latency > slowest { slowest = reply.latency }
        exchange.pool.finished(exchange, .success(reply))
        if isKept, !isInDisorder {
            queue.free(connection).map(connection.carry)
        } else {
            drop(connection)
            openConnections()
        }
    }

    /// `isReplaceable`: a server may close a kept connection before the request arrives.
    func failed(
        _ connection: HTTP1Connection, _ exchange: HTTP1Exchange, _ kind: TransportFailure.Kind, _ words: String,
        isReplaceable: Bool
    ) {
        drop(connection)
        if isReplaceable, !exchange.hasBeenReplaced {
            exchange.hasBeenReplaced = true
            exchange.connection = nil
            exchange.waitsSince = loop.turnStart
            queue.waitForFresh(exchange)
        } else {
            exchange.pool.finished(exchange, .failure(failure(of: exchange, kind, words)))
        }
        openConnections()
    }

    func idleConnectionEnded(_ connection: HTTP1Connection) {
        drop(connection)
        queue.idleConnectionClosed { $0.isOpen }
        openConnections()
    }

    /// A server that has lost count once is not trusted again. Exchanges in flight on previously used connections fail
    /// at the end of the turn.
    func sawUnaskedBytes() {
        guard !isInDisorder else { return }
        isInDisorder = true
        counters.sawUnaskedBytes()
        loop.deferred.append { [weak self] in
            guard let self else { return }
            for connection in connections.elements { connection.distrust() }
        }
    }

    /// How long a connection must be silent after an answer that may be a copy: the real one would have arrived by
    /// then.
    var rest: Interval { min(max(slowest * 2, HTTP1Route.restMin), HTTP1Route.restMax, limits.timeouts.stalled * 0.5) }

    private static let restMin = Interval.milliseconds(200)
    private static let restMax = Interval.seconds(10)

    private func drop(_ connection: HTTP1Connection) {
        guard connection.isOpen else { return }
        connection.close()
        connections.remove(connection)
        queue.closed()
    }

    func close() {
        for connection in connections.elements { connection.close() }
        connections.removeAll()
        queue = Queue(connectionsMax: 0)
        opener.close()
    }

    /// Not while exchanges are failing, nor in a callback of libcurl.
    private func openSoon() {
        loop.deferred.append { [weak self] in self?.openConnections() }
    }

    private func openConnections() {
        for _ in 0..<queue.connectionsToOpen() { opener.open() }
    }
}

extension HTTP1Route: ConnectionOpenerUser {
    func serverKnown() {
        guard !queue.isServerKnown else { return }
        queue.serverKnown()
        openSoon()
    }

    func opened(_ socket: Int32, _ stream: any ByteStream) {
        counters.connectionsOpened(1)
        connectionsMade += 1
        let connection = HTTP1Connection(socket, stream, connectionsMade, self)
        connections.append(connection)
        if let exchange = queue.opened(connection) { connection.carry(exchange) } else { connection.stayIdle() }
        openConnections()
    }

    func openingFailed(_ kind: OpeningFailure, _ failure: (Interval) -> TransportFailure) {
        let now = Instant.now
        for exchange in queue.failed(kind, isOverdue: { now - $0.waitsSince >= limits.timeouts.connect }) {
            exchange.pool.finished(exchange, .failure(failure(now - exchange.progress.started)))
        }
        openConnections()
    }

    func serverChoseHTTP2() {
        queue.openingEnded()
        for exchange in queue.removeWaiting() { exchange.pool.moved(exchange) }
    }
}
