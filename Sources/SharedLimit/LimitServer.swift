public import Basics
internal import Glibc

/// Serves a lease book over TCP: one line asks, one line answers. One thread, which `run` occupies.
///
/// Not HTTP: a client keeps one connection for its whole run, each of its few requests per second is one packet each
/// way, and a thousand clients cost one thread.
public final class LimitServer: @unchecked Sendable {
    // Unchecked: once `run` has begun, only its thread touches the state, except `stopping`.
    public let port: UInt16
    private var book: LeaseBook
    private var journal: MoneyJournal?
    private let token: [UInt8]
    private var listener: Int32
    private let stopping = Bell()
    private var connections: [Int32: Connection] = [:]
    /// No connection is accepted before this time.
    private var acceptsAgain = Instant(nanoseconds: 0)
    private let state: Locked<LimitServerState>

    private struct Connection {
        var input: [UInt8] = []
        var output: [UInt8] = []
        /// When it last sent a request, or, if it has sent none, when it connected.
        var last: Instant
        var isClient = false
    }

    /// Maximum simultaneous clients.
    public static let connectionsMax = 16_384
    /// A client that is silent for this long is disconnected.
    static let silenceMax = Interval.seconds(600)
    /// A connection without a complete first request within this time is closed.
    static let beginningMax = Interval.seconds(10)
    private static let waitMilliseconds: Int32 = 5000
    private static let acceptPauseMilliseconds: Int32 = 500
    /// Maximum bytes of unread replies per client.
    static let outputBytesMax = 64 << 10

    /// - Parameter token: the secret that clients must send; empty: none.
    ///   - statePath: where the clients' money is recorded; nil: nowhere.
    public init(
        _ terms: LimitTerms, host: String, port: String, token: [UInt8] = [], statePath: String? = nil
    ) throws(RetortError) {
        let now = Instant.now
        journal = try statePath.map { path throws(RetortError) in try MoneyJournal(path) }
        let (money, isRestart) = (journal?.money ?? [:], journal?.isRestart ?? true)
        book = LeaseBook(
            terms, money: money, epoch: .random(in: 1...UInt64.max), isRestart: isRestart, at: now)
        self.token = token
        (listener, self.port) = try LimitSocket.listening(host: host, port: port)
        state = Locked(LimitServerState())
    }

    deinit { end() }

    /// Releases the port and the state.
    private func end() {
        for descriptor in connections.keys { close(descriptor) }
        connections = [:]
        if listener >= 0 { close(listener) }
        listener = -1
        journal = nil
    }

    /// Counts since the start.
    public var counts: LimitServerState { state.withLock { $0 } }

    /// Ends `run`. Any thread.
    public func stop() {
        stopping.ring()
    }

    /// Serves until `stop`. Throws if the state cannot be written: nothing is promised that is not on disk.
    public func run() throws(RetortError) {
        defer { end() }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            var polled = [pollfd(fd: stopping.descriptor, events: Int16(POLLIN), revents: 0)]
            let canAccept = connections.count < Self.connectionsMax && Instant.now >= acceptsAgain
            polled.append(pollfd(fd: canAccept ? listener : -1, events: Int16(POLLIN), revents: 0))
            for (descriptor, connection) in connections {
                let events = connection.output.isEmpty ? Int16(POLLIN) : Int16(POLLOUT)
                polled.append(pollfd(fd: descriptor, events: events, revents: 0))
            }
            let wait = Instant.now >= acceptsAgain ? Self.waitMilliseconds : Self.acceptPauseMilliseconds
            guard poll(&polled, nfds_t(polled.count), wait) >= 0 else {
                if errno == EINTR { continue }
                throw .system(errno, "poll", "the limiter's connections")
            }
            if polled[0].revents != 0 { return }
            let now = Instant.now
            for entry in polled.dropFirst(2) where entry.revents != 0 { try serve(entry.fd, &buffer, at: now) }
            if polled[1].revents != 0 { accept(at: now) }
            for (descriptor, connection) in connections {
                let most = connection.isClient ? Self.silenceMax : Self.beginningMax
                if now - connection.last > most { drop(descriptor) }
            }
        }
    }

    private func accept(at now: Instant) {
        while connections.count < Self.connectionsMax {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // Without a free descriptor the listener stays readable, so it is not polled for a while.
                if errno != EAGAIN, errno != EINTR {
                    acceptsAgain = now + .milliseconds(Int64(Self.acceptPauseMilliseconds))
                }
                return
            }
            LimitSocket.setFlags(descriptor)
            connections[descriptor] = Connection(last: now)
        }
    }

    private func drop(_ descriptor: Int32) {
        if connections.removeValue(forKey: descriptor) != nil { close(descriptor) }
    }

    private func serve(_ descriptor: Int32, _ buffer: inout [UInt8], at now: Instant) throws(RetortError) {
        guard var connection = connections[descriptor] else { return }
        if connection.output.isEmpty {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            guard count > 0 else { return drop(descriptor) }
            if connection.isClient { connection.last = now }
            connection.input.append(contentsOf: buffer[..<count])
            guard try answer(&connection, at: now) else { return drop(descriptor) }
        }
        let sent = connection.output.withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if sent > 0 { connection.output.removeFirst(sent) }
        if sent < 0, errno != EAGAIN, errno != EINTR, !connection.output.isEmpty { return drop(descriptor) }
        connections[descriptor] = connection
    }

    /// Answers each complete line. False if the peer is not a client.
    private func answer(_ connection: inout Connection, at now: Instant) throws(RetortError) -> Bool {
        while let end = connection.input.firstIndex(of: 0x0A) {
            let line = Array(connection.input[..<end])
            connection.input.removeSubrange(...end)
            guard line.count <= LeaseWire.lineBytesMax, let (request, given) = LeaseWire.request(line) else {
                return false
            }
            guard isToken(Array(given.utf8)) else {
                state.withLock { $0.refused += 1 }
                connection.output += LeaseWire.errorLine("the token is wrong")
                continue
            }
            connection.isClient = true
            connection.last = now
            connection.output += try lease(request, at: now)
            if connection.output.count > Self.outputBytesMax { return false }
        }
        return connection.input.count <= LeaseWire.lineBytesMax
    }

    private func lease(_ request: LeaseRequest, at now: Instant) throws(RetortError) -> [UInt8] {
        let before = book.money(of: request.client)
        let lease = book.lease(request, at: now)
        if let limit = lease.moneyLimit, limit != before, !request.client.isEmpty {
            do throws(RetortError) { try journal?.note(request.client, limit: limit) } catch {
                // Nothing is promised that is not on disk.
                guard error.code == .noSpace else { throw error }
                book.withdraw(request.client, to: max(before ?? 0, request.moneyBound))
                state.withLock { $0.notNoted += 1 }
                return LeaseWire.errorLine("its disk is full, and money must be noted", isPassing: true)
            }
        }
        let (clients, share, moneyLeft) = (book.clients(at: now), book.pace(at: now), book.moneyLeft)
        state.withLock { state in
            state.leases += 1
            state.requests += lease.requests
            state.refusals += request.refused
            (state.clients, state.pace, state.moneyLeft) = (clients, share, moneyLeft)
        }
        return LeaseWire.line(lease)
    }

    /// Compares in constant time.
    private func isToken(_ given: [UInt8]) -> Bool {
        var difference: UInt8 = given.count == token.count ? 0 : 1
        for (index, byte) in token.enumerated() { difference |= byte ^ (index < given.count ? given[index] : ~byte) }
        return token.isEmpty || difference == 0
    }
}

/// A limiter's counts.
public struct LimitServerState: Sendable {
    public var leases = 0
    /// Rights granted.
    public var requests = 0
    /// Requests that the API refused, as reported by clients.
    public var refusals = 0
    /// Requests with a wrong token.
    public var refused = 0
    /// Requests left unanswered because the disk was full.
    public var notNoted = 0
    public var clients = 0
    public var pace = 1.0
    public var moneyLeft: Int?
}
