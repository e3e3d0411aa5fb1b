internal import Basics
internal import CCurl
internal import ModelAPI

/// Exchanges over connections of our own, for what needs no more than HTTP/1.1 in clear text: one `sendmsg` and one
/// `recv` each. libcurl makes the connections, http_parser reads the answers. Confined to the loop.
final class PlainRoute: Route, LaneUser {
    private typealias Queue = ConnectionQueue<PlainExchange, PlainConnection>

    let loop: EventLoop
    /// What connections read into; empty between two readings.
    let buffer: UnsafeMutableRawBufferPointer
    private let settings: CurlSettings
    private let counters: ExchangePool.Counters
    private var head: RequestHead
    private var queue = Queue()
    private var connections = PlacedList<PlainConnection>()
    private lazy var lane = Lane(user: self, loop: loop, transfersMax: Queue.connectingMax)
    private var connectors: [Connector] = []
    private var freeConnectors: [Connector] = []

    init(_ loop: EventLoop, _ settings: CurlSettings, _ counters: ExchangePool.Counters, _ head: RequestHead) {
        self.loop = loop
        self.settings = settings
        self.counters = counters
        self.head = head
        buffer = .allocate(byteCount: PlainRoute.bufferBytes, alignment: 64)
    }

    deinit {
        buffer.deallocate()
    }

    /// Bytes read at a time.
    private static let bufferBytes = 64 << 10

    var limits: ExchangeLimits { settings.limits }

    // MARK: Exchanges

    func makeExchange(_ pool: ExchangePool) -> Exchange { PlainExchange(self, pool) }

    func writeHead(of request: ModelRequest, to bytes: inout [UInt8]) {
        head.write(path: request.path, bodyBytes: request.body.count, to: &bytes)
    }

    func begin(_ exchange: PlainExchange) {
        guard !exchange.head.isEmpty else {
            return exchange.pool.finished(exchange, .failure(failure(of: exchange, .malformed, limits.noSuchPath)))
        }
        exchange.waitsSince = exchange.progress.started
        while let connection = queue.connection(for: exchange) {
            if connection.isOpen, !connection.isStale(loop.turnStart) { return connection.carry(exchange) }
            drop(connection)
        }
        openConnections()
    }

    func abandon(_ exchange: PlainExchange) {
        if let connection = exchange.connection { drop(connection) } else { queue.gaveUp(exchange) }
    }

    func ended(_ ticket: Exchange.Ticket, _ result: Result<ModelReply, TransportFailure>) {}

    // MARK: From connections

    func finished(_ connection: PlainConnection, _ exchange: PlainExchange, _ reply: ModelReply, isKept: Bool) {
        exchange.pool.finished(exchange, .success(reply))
        if isKept {
            queue.free(connection).map(connection.carry)
        } else {
            drop(connection)
        }
    }

    /// `isReplaceable`: nothing speaks against a server that has closed a kept connection before the request came.
    func failed(
        _ connection: PlainConnection, _ exchange: PlainExchange, _ kind: TransportFailure.Kind, _ words: String,
        isReplaceable: Bool
    ) {
        drop(connection)
        guard isReplaceable, !exchange.hasBeenReplaced else {
            return exchange.pool.finished(exchange, .failure(failure(of: exchange, kind, words)))
        }
        exchange.hasBeenReplaced = true
        exchange.connection = nil
        exchange.waitsSince = loop.turnStart
        queue.waitForFresh(exchange)
        openConnections()
    }

    func idleConnectionEnded(_ connection: PlainConnection) {
        drop(connection)
        queue.idleConnectionClosed { $0.isOpen }
    }

    private func failure(of exchange: PlainExchange, _ kind: TransportFailure.Kind, _ words: String) -> TransportFailure
    {
        limits.failure(kind, words, after: .now - exchange.progress.started)
    }

    private func drop(_ connection: PlainConnection) {
        guard connection.isOpen else { return }
        connection.close()
        connections.remove(connection)
    }

    func close() {
        for connection in connections.elements { connection.close() }
        connections.removeAll()
        queue = Queue()
        for connector in connectors {
            lane.remove(connector.easy)
            connector.close()
        }
        if !connectors.isEmpty { lane.close() }
        connectors.removeAll()
        freeConnectors.removeAll()
    }

    // MARK: Connecting

    private func openConnections() {
        for _ in 0..<queue.connectionsToOpen() {
            let connector = freeConnectors.popLast() ?? makeConnector()
            connector.errorText[0] = 0
            lane.add(connector.easy)
        }
    }

    private func makeConnector() -> Connector {
        let connector = Connector(lane, settings)
        connectors.append(connector)
        return connector
    }

    func addressKnown() {
        guard !queue.isAddressKnown else { return }
        queue.addressKnown()
        loop.deferred.append { [weak self] in self?.openConnections() }
    }

    func handleEnded(_ context: UnsafeMutableRawPointer, _ code: CURLcode) {
        let connector = Unmanaged<Connector>.fromOpaque(context).takeUnretainedValue()
        freeConnectors.append(connector)
        if code == CURLE_OK {
            if let socket = lane.takeSocket(connector.easy) { return opened(socket) }
            return connectingFailed(CurlReport(number: CURLE_COULDNT_CONNECT.rawValue, words: "closed at once"))
        }
        lane.remove(connector.easy)
        connectingFailed(CurlReport(code, connector.easy, connector.errorText))
    }

    private func opened(_ socket: Int32) {
        counters.connectionsOpened(1)
        let connection = PlainConnection(socket, self)
        connections.append(connection)
        if let exchange = queue.opened(connection) { connection.carry(exchange) } else { connection.stayIdle() }
        openConnections()
    }

    private func connectingFailed(_ report: CurlReport) {
        let failure: Queue.Failure =
            switch report.code {
            case CURLE_COULDNT_RESOLVE_HOST: .lookup
            case CURLE_OPERATION_TIMEDOUT: .timeout
            default: .other
            }
        let now = Instant.now
        let failed = queue.failed(failure) { now - $0.waitsSince >= limits.timeouts.connect }
        for exchange in failed {
            let latency = now - exchange.progress.started
            exchange.pool.finished(exchange, .failure(settings.failure(report, latency)))
        }
        openConnections()
    }
}

extension PlainRoute {
    /// Whether such exchanges need nothing that libcurl alone can do.
    static func suits(_ configuration: HTTPTransport.Configuration, _ baseURL: BaseURL) -> Bool {
        !configuration.usesLibcurlOnly && !baseURL.isSecure && configuration.network.httpProxy == nil
            && baseURL.hostHeader.utf8.allSatisfy { $0 < 0x80 }
            && !framingHeaders.contains { configuration.hasHeader($0) }
    }

    /// Headers that change how an exchange goes, which a caller may set all the same.
    private static let framingHeaders = [
        "Accept-Encoding", "Connection", "Content-Length", "Expect", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade",
    ]
}
