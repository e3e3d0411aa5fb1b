/// Decides which exchange gets which connection, and how many to open. A value: its owner carries out what it returns.
struct ConnectionQueue<Request: Equatable, Connection: Equatable> {
    /// Maximum connections being opened at a time. A server's queue of handshakes usually holds 128 to 511; the kernel
    /// retries one that does not fit after a second.
    static var connectingMax: Int { 100 }

    /// The warmest is last.
    private var idle: [Connection] = []
    /// Upper bound of how many of them have been closed.
    private var idleClosed = 0
    private var waiting = WaitingLine<Request>()
    /// Exchanges whose kept connection turned out to be closed: another kept one may be closed too.
    private var waitingForFresh = WaitingLine<Request>()
    private var connecting = 0
    /// Connections that are open, idle or not.
    private var open = 0
    private let connectionsMax: Int
    /// Whether connections can be opened: the address is known, and over TLS the protocol.
    private(set) var isServerKnown = false

    init(connectionsMax: Int = .max) { self.connectionsMax = connectionsMax }

    /// The connection to use if it is still open, else call again; nil: the exchange waits for one.
    mutating func connection(for exchange: Request) -> Connection? {
        if let connection = idle.popLast() { return connection }
        waiting.append(exchange)
        return nil
    }

    mutating func waitForFresh(_ exchange: Request) { waitingForFresh.append(exchange) }

    /// How many connections to open now; each must be reported with `opened` or `failed`. Only one while the server is
    /// not known: libcurl starts a thread for every name lookup.
    mutating func connectionsToOpen() -> Int {
        let max = isServerKnown ? ConnectionQueue.connectingMax : 1
        let wanted = min(waiting.count + waitingForFresh.count, max) - connecting
        let count = min(wanted, connectionsMax - open - connecting)
        guard count > 0 else { return 0 }
        connecting += count
        return count
    }

    mutating func serverKnown() { isServerKnown = true }

    /// The exchange that gets the new connection; nil: it stays idle.
    mutating func opened(_ connection: Connection) -> Request? {
        connecting -= 1
        open += 1
        return waitingForFresh.popFirst() ?? free(connection)
    }

    /// The exchange that gets a finished connection; nil: it stays idle.
    mutating func free(_ connection: Connection) -> Request? {
        if let exchange = waiting.popFirst() { return exchange }
        idle.append(connection)
        return nil
    }

    /// The exchanges that fail because a connection could not be opened.
    mutating func failed(_ failure: OpeningFailure, isOverdue: (Request) -> Bool) -> [Request] {
        connecting -= 1
        switch failure {
        case .lookup:
            isServerKnown = false
            return removeWaiting()
        case .timeout:
            var overdue: [Request] = []
            while let exchange = waitingForFresh.head, isOverdue(exchange) { overdue += [waitingForFresh.popFirst()!] }
            while let exchange = waiting.head, isOverdue(exchange) { overdue += [waiting.popFirst()!] }
            return overdue
        case .other: return [waitingForFresh.popFirst() ?? waiting.popFirst()].compactMap { $0 }
        }
    }

    /// Opening a connection was abandoned.
    mutating func openingEnded() { connecting -= 1 }

    /// A connection has been closed, idle or not.
    mutating func closed() { open -= 1 }

    /// All waiting exchanges, in order.
    mutating func removeWaiting() -> [Request] { waitingForFresh.removeAll() + waiting.removeAll() }

    /// The exchange no longer waits.
    mutating func gaveUp(_ exchange: Request) {
        waiting.remove(exchange)
        waitingForFresh.remove(exchange)
    }

    /// The server has closed an idle connection. It may still be handed out: finding each would take long when all are
    /// closed at once.
    mutating func idleConnectionClosed(isOpen: (Connection) -> Bool) {
        idleClosed += 1
        guard idleClosed > idle.count / 2 else { return }
        idle.removeAll { !isOpen($0) }
        idleClosed = 0
    }
}
