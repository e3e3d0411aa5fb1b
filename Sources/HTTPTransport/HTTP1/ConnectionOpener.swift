internal import Basics
internal import CCurl
internal import Glibc
internal import ModelAPI

/// Receives the results of opening connections.
protocol ConnectionOpenerUser: AnyObject {
    /// Connections to the server can be opened: the address is known, and over TLS the protocol. Do not open any in
    /// this call.
    func serverKnown()

    /// The user owns the socket now.
    func opened(_ socket: Int32, _ stream: any ByteStream)

    /// `failure` makes the failure of an exchange that has waited for the given time.
    func openingFailed(_ kind: OpeningFailure, _ failure: (Interval) -> TransportFailure)

    /// The server chose HTTP/2, which libcurl handles.
    func serverChoseHTTP2()
}

/// Opens connections to the server, with TLS if its address says so: libcurl resolves the address and connects, through
/// a tunnel if there is a proxy. Confined to the loop.
final class ConnectionOpener: LaneUser {
    private let loop: EventLoop
    private let settings: CurlSettings
    private unowned(unsafe) let user: any ConnectionOpenerUser
    private let tls: TLSContext?
    private lazy var lane = Lane(user: self, loop: loop, transfersMax: ConnectionOpener.connectionsKept)
    private var connectors: [Connector] = []
    private var free: [Connector] = []
    private var handshakes = PlacedList<TLSHandshake>()

    init(_ loop: EventLoop, _ settings: CurlSettings, user: any ConnectionOpenerUser) {
        self.loop = loop
        self.settings = settings
        self.user = user
        tls = settings.trust.map { TLSContext($0, host: settings.baseURL.bareHost) }
    }

    /// libcurl keeps none: each is taken over.
    private static let connectionsKept = 128

    /// Reports the result to the user.
    func open() {
        let connector = free.popLast() ?? makeConnector()
        connector.begin(lane)
    }

    private func makeConnector() -> Connector {
        let connector = Connector(lane, settings)
        connectors.append(connector)
        return connector
    }

    func close() {
        for handshake in handshakes.elements { handshake.close() }
        handshakes.removeAll()
        for connector in connectors {
            lane.remove(connector.easy)
            connector.close()
        }
        if !connectors.isEmpty { lane.close() }
        connectors.removeAll()
        free.removeAll()
    }

    // MARK: From libcurl

    func addressKnown() {
        if tls == nil { user.serverKnown() }
    }

    func handleEnded(_ context: UnsafeMutableRawPointer, _ code: CURLcode) {
        let connector = Unmanaged<Connector>.fromOpaque(context).takeUnretainedValue()
        free.append(connector)
        guard code == CURLE_OK else {
            lane.remove(connector.easy)
            return failed(CurlReport(code, connector.easy, connector.errorText))
        }
        guard let socket = lane.takeSocket(connector.easy) else {
            return failed(CurlReport(number: CURLE_COULDNT_CONNECT.rawValue, words: "closed at once"))
        }
        guard let tls else { return user.opened(socket, SocketStream(socket)) }
        let stream = tls.stream(socket, offersHTTP2: !settings.watch.hasMetHTTP1)
        let handshake = TLSHandshake(stream, socket, loop) { [unowned self] in handshakeEnded($0, $1) }
        handshakes.append(handshake)
        handshake.begin(deadline: connector.started + settings.limits.timeouts.connect)
    }

    private func failed(_ report: CurlReport) {
        let kind: OpeningFailure =
            switch report.code {
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .lookup
            case CURLE_OPERATION_TIMEDOUT: .timeout
            default: .other
            }
        user.openingFailed(kind) { settings.failure(report, $0) }
    }

    // MARK: TLS

    private func handshakeEnded(_ handshake: TLSHandshake, _ end: TLSHandshake.End) {
        handshakes.remove(handshake)
        let limits = settings.limits
        if case .done(let stream) = end, !stream.choseHTTP2 {
            settings.watch.metHTTP1()
            user.serverKnown()
            return user.opened(handshake.socket, stream)
        }
        defer { Glibc.close(handshake.socket) }
        switch end {
        case .done(let stream):
            stream.farewell()
            settings.watch.metHTTP2()
            guard settings.watch.hasMetHTTP1 else { return user.serverChoseHTTP2() }
            failed(.other, .tls, "the TLS handshake failed: the server chose HTTP/2, which was not offered")
        case .failed(let failure): failed(.other, failure.kind, failure.words)
        case .timedOut: failed(.timeout, .timeout, limits.noConnection)
        }
    }

    private func failed(_ kind: OpeningFailure, _ failureKind: TransportFailure.Kind, _ words: String) {
        user.openingFailed(kind) { latency in
            var failure = settings.limits.failure(failureKind, words, after: latency)
            failure.stage = .unconnected
            return failure
        }
    }
}
