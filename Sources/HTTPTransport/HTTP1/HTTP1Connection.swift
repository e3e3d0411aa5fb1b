internal import Basics
internal import Glibc
internal import ModelAPI

/// A connection that carries one exchange at a time, in clear text or in TLS. Confined to the loop.
final class HTTP1Connection: ReadinessHandler, Placed, Equatable {
    private let socket: Int32
    private let stream: any ByteStream
    private unowned(unsafe) let route: HTTP1Route
    private var exchange: HTTP1Exchange?
    private let reader: ResponseReader
    /// Never reused.
    private let number: UInt64
    /// Number of requests it has carried.
    private(set) var requests = 0
    /// Bytes of the request that have been written.
    private var sent = 0
    private var watched = Readiness.readable
    private(set) var isOpen = true
    /// Whether it has been idle: the server may have closed it since.
    private var isUsed = false
    private var lastUsed: Instant
    /// An answer that may be a copy of an earlier one, while waiting whether another one arrives.
    private var doubtful: (reply: ModelReply, hash: UInt64, timer: EventLoop.TimerID)?
    /// Index among the route's connections.
    var position = 0

    /// `socket` is connected and non-blocking; it is closed with the connection.
    init(_ socket: Int32, _ stream: any ByteStream, _ number: UInt64, _ route: HTTP1Route) {
        self.socket = socket
        self.stream = stream
        self.number = number
        self.route = route
        reader = ResponseReader(bodyBytesMax: route.limits.responseBytesMax)
        lastUsed = route.loop.turnStart
        route.loop.poller.watch(socket, for: .readable, handler: self)
    }

    /// Whether it has been idle for so long that a device on the way may have dropped it silently.
    func isStale(_ now: Instant) -> Bool { now - lastUsed > HTTP1Connection.idleMax }

    /// Sends the exchange's request, unless bytes arrived before it: they are not its answer, and a server that has
    /// lost count must not shift the rows.
    func carry(_ exchange: HTTP1Exchange) {
        self.exchange = exchange
        exchange.connection = self
        requests += 1
        sent = 0
        reader.begin(exchange.tap)
        switch look() {
        case .nothing: send(exchange)
        case .end: fail(.connection, route.limits.noAnswer)
        case .disorder:
            if requests > 1 { route.sawUnaskedBytes() }
            fail(.connection, route.limits.unasked)
        }
    }

    /// No exchange needs it yet; the server may close it before one does.
    func stayIdle() { isUsed = true }

    func close() {
        guard isOpen else { return }
        isOpen = false
        exchange = nil
        // Not `loop.cancel`: when the loop has stopped, this runs elsewhere.
        if let doubtful { _ = route.loop.timers.remove(id: doubtful.timer.number) }
        doubtful = nil
        stream.farewell()
        route.loop.poller.forget(socket)
        Glibc.close(socket)
    }

    static func == (a: HTTP1Connection, b: HTTP1Connection) -> Bool { a === b }

    /// As long as curl keeps one.
    private static let idleMax = Interval.seconds(118)

    // MARK: From the loop

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        guard isOpen else { return }
        if readiness.contains(.writable), let exchange, sent < exchange.byteCount { send(exchange) }
        guard isOpen else { return }
        if readiness.contains(.readable) || !readiness.isDisjoint(with: .broken) { receive() }
    }

    private func watch(for readiness: Readiness) {
        guard readiness != watched else { return }
        watched = readiness
        route.loop.poller.watch(socket, for: readiness, handler: self)
    }

    // MARK: The request

    private func send(_ exchange: HTTP1Exchange) {
        while sent < exchange.byteCount {
            switch stream.write(exchange.head, exchange.body, from: sent) {
            case .bytes(let count): sent += count
            case .waits(let readiness): return watch(for: [.readable, readiness])
            // A server may reject a request that it has read only partly, and say why before it closes. So readable
            // bytes are read first; the end of the stream shows the rest.
            case .ended: return watch(for: .readable)
            case .broken(let number, let words):
                if number == EPIPE || number == ECONNRESET { return watch(for: .readable) }
                return fail(.connection, route.limits.brokenWhileSending(words))
            }
        }
        exchange.onDeparture?(.now)
        watch(for: .readable)
    }

    // MARK: The answer

    private func receive() {
        repeat {
            guard let exchange, doubtful == nil else { return receiveUnasked() }
            switch stream.read(into: route.buffer) {
            case .bytes(let count): take(count, exchange)
            case .waits: return
            case .ended(let isProven): act(on: reader.end(isProven: isProven), exchange)
            case .broken(_, let words): fail(.connection, route.limits.broken(words))
            }
        } while isOpen && exchange != nil && stream.mayHoldMore
    }

    /// Reads bytes of the answer. Bytes after its end are unrequested.
    private func take(_ count: Int, _ exchange: HTTP1Exchange) {
        exchange.progress.lastByte = route.loop.turnStart
        let bytes = UnsafeRawBufferPointer(rebasing: route.buffer[..<count])
        let outcome = reader.read(bytes)
        guard case .complete(let isKept, let rest) = outcome else { return act(on: outcome, exchange) }
        var behind = Unasked.nothing
        if rest > 0 {
            behind = Unasked(UnsafeRawBufferPointer(rebasing: bytes[(count - rest)...]))
        } else if count == route.buffer.count || stream.mayHoldMore {
            behind = look()
        }
        if behind == .disorder {
            route.sawUnaskedBytes()
            // The first answer of a connection belongs to its first request, whatever follows.
            if requests > 1 { return fail(.connection, route.limits.unasked) }
        }
        complete(exchange, isKept: isKept && behind == .nothing)
    }

    private func act(on outcome: ResponseReader.Outcome, _ exchange: HTTP1Exchange) {
        let limits = route.limits
        switch outcome {
        case .more: break
        case .complete(let isKept, _): complete(exchange, isKept: isKept)
        case .nothing: fail(.connection, limits.noAnswer)
        case .cut(let words): fail(.connection, limits.cut(words))
        case .malformed(let words): fail(.malformed, words)
        case .tooLarge: fail(.tooLarge, limits.tooLarge)
        }
    }

    private func complete(_ exchange: HTTP1Exchange, isKept: Bool) {
        // A server that is known to be in disorder may have answered another request.
        guard !route.isInDisorder || requests == 1 else { return fail(.connection, route.limits.unasked) }
        let hash = route.memory.isIndifferent ? 0 : reader.bodyHash
        let body: [UInt8]
        do {
            body = try reader.takeBody()
        } catch {
            return switch error {
            case .tooLarge: fail(.tooLarge, route.limits.tooLarge)
            case .damaged(let words): fail(.malformed, route.limits.notDecompressed(words))
            }
        }
        let reply = ModelReply(
            status: reader.status, body: body, headers: reader.takeHeaders(),
            latency: .now - exchange.progress.started)
        // An answer that arrives before the whole request was sent leaves the rest unread.
        let isKept = isKept && sent == exchange.byteCount
        guard isKept, route.memory.note(hash, connection: number, isFirst: requests == 1) == .repeated else {
            return deliver(exchange, reply, isKept: isKept)
        }
        // The request will be sent again anyway: no need to wait for what may still arrive.
        if reply.status == 429 || reply.status >= 500 { return deliver(exchange, reply, isKept: false) }
        hold(reply, hash)
    }

    private func deliver(_ exchange: HTTP1Exchange, _ reply: ModelReply, isKept: Bool) {
        self.exchange = nil
        isUsed = true
        lastUsed = route.loop.turnStart
        route.finished(self, exchange, reply, isKept: isKept)
    }

    private func fail(_ kind: TransportFailure.Kind, _ words: String, isFinal: Bool = false) {
        guard let exchange else { return }
        self.exchange = nil
        let mayHaveBeenClosed = isUsed && !reader.hasBegun && kind == .connection
        route.failed(self, exchange, kind, words, isReplaceable: mayHaveBeenClosed && !isFinal)
    }

    // MARK: Bytes without a request

    /// Holds back an answer that the connection has brought before: if it is a copy, the real one is still to come.
    private func hold(_ reply: ModelReply, _ hash: UInt64) {
        let timer = route.loop.schedule(at: route.loop.turnStart + route.rest) { [weak self] in self?.release() }
        doubtful = (reply, hash, timer)
    }

    private func release() {
        guard let (reply, hash, _) = doubtful, let exchange else { return }
        doubtful = nil
        route.memory.learn(hash)
        deliver(exchange, reply, isKept: true)
    }

    private func receiveUnasked() {
        let unasked = look()
        guard unasked != .nothing else { return }
        if unasked == .disorder { route.sawUnaskedBytes() }
        guard doubtful != nil else { return route.idleConnectionEnded(self) }
        fail(.connection, unasked == .disorder ? route.limits.repeated : route.limits.noAnswer)
    }

    /// Reads available bytes although no answer is expected.
    private func look() -> Unasked {
        switch stream.read(into: route.buffer) {
        case .waits: .nothing
        case .ended, .broken: .end
        case .bytes(let count): Unasked(UnsafeRawBufferPointer(rebasing: route.buffer[..<count]))
        }
    }

    /// The server is in disorder: an answer that may be shifted by an earlier request is not accepted.
    func distrust() {
        guard isOpen, requests > 0 else { return }
        guard exchange != nil else { return route.idleConnectionEnded(self) }
        guard requests > 1 else { return }
        fail(.connection, doubtful == nil ? route.limits.unasked : route.limits.repeated, isFinal: true)
    }
}
