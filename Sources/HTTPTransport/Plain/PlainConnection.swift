internal import Basics
internal import Glibc
internal import ModelAPI

/// A TCP connection that carries one exchange at a time. Confined to the loop.
final class PlainConnection: ReadinessHandler, Placed, Equatable {
    private let socket: Int32
    private unowned(unsafe) let route: PlainRoute
    private var exchange: PlainExchange?
    private let reader: ResponseReader
    /// Bytes of the request that the kernel has taken.
    private var sent = 0
    private var isWaitingToSend = false
    private(set) var isOpen = true
    /// It has been idle: the server may have closed it since.
    private var isUsed = false
    private var lastUsed: Instant
    /// Place among the route's connections.
    var position = 0

    /// `socket` is connected and does not block; it is closed with the connection.
    init(_ socket: Int32, _ route: PlainRoute) {
        self.socket = socket
        self.route = route
        reader = ResponseReader(bodyBytesMax: route.limits.responseBytesMax)
        lastUsed = route.loop.turnStart
        route.loop.poller.watch(socket, for: .readable, handler: self)
    }

    /// Whether it has been idle for so long that something on the way may have forgotten it without a word.
    func isStale(_ now: Instant) -> Bool { now - lastUsed > PlainConnection.idleMax }

    func carry(_ exchange: PlainExchange) {
        self.exchange = exchange
        exchange.connection = self
        sent = 0
        reader.begin()
        // What came before the request is no answer to it: a server that has lost count must not shift the rows.
        if holdsUnaskedBytes { return fail(.connection, route.limits.unasked) }
        send(exchange)
    }

    private var holdsUnaskedBytes: Bool {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK)) > 0
    }

    /// Nobody needs it yet: the server may close it before somebody does.
    func stayIdle() { isUsed = true }

    func close() {
        guard isOpen else { return }
        isOpen = false
        exchange = nil
        route.loop.poller.forget(socket)
        Glibc.close(socket)
    }

    static func == (a: PlainConnection, b: PlainConnection) -> Bool { a === b }

    /// As long as curl keeps one.
    private static let idleMax = Interval.seconds(118)

    // MARK: From the loop

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        guard isOpen else { return }
        if readiness.contains(.writable), isWaitingToSend, let exchange { send(exchange) }
        guard isOpen else { return }
        if readiness.contains(.readable) || !readiness.isDisjoint(with: .broken) { receive() }
    }

    // MARK: The request

    private func send(_ exchange: PlainExchange) {
        while sent < exchange.byteCount {
            let count = PlainConnection.send(socket, exchange.head, exchange.body, from: sent)
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                return waitToSend(true)
            } else if errno != EINTR {
                return sendingFailed(errno)
            }
        }
        waitToSend(false)
    }

    private func waitToSend(_ waits: Bool) {
        guard waits != isWaitingToSend else { return }
        isWaitingToSend = waits
        route.loop.poller.watch(socket, for: waits ? [.readable, .writable] : .readable, handler: self)
    }

    /// A server may refuse what it has read only a part of, and say why before it closes. So what there is to read
    /// comes first; its end tells the rest.
    private func sendingFailed(_ number: Int32) {
        if number == EPIPE || number == ECONNRESET {
            waitToSend(false)
        } else {
            fail(.connection, route.limits.brokenWhileSending(String(cString: strerror(number))))
        }
    }

    /// Sends what is left of head and body with one system call. Returns how much the kernel took, or -1.
    private static func send(_ socket: Int32, _ head: [UInt8], _ body: [UInt8], from sent: Int) -> Int {
        head.withUnsafeBytes { head in
            body.withUnsafeBytes { body in
                withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { parts in
                    parts.initializeElement(at: 0, to: iovec(head.dropFirst(sent)))
                    parts.initializeElement(at: 1, to: iovec(body.dropFirst(max(0, sent - head.count))))
                    var message = msghdr()
                    message.msg_iov = parts.baseAddress
                    message.msg_iovlen = parts.count
                    return sendmsg(socket, &message, Int32(MSG_NOSIGNAL))
                }
            }
        }
    }

    // MARK: The answer

    private func receive() {
        let buffer = route.buffer
        let count = recv(socket, buffer.baseAddress, buffer.count, 0)
        let number = errno
        if count < 0, number == EAGAIN || number == EINTR { return }
        // Nothing was asked for: the server closes the connection, or has lost count.
        guard let exchange else { return route.idleConnectionEnded(self) }
        guard count >= 0 else { return fail(.connection, route.limits.broken(String(cString: strerror(number)))) }
        if count > 0 { exchange.progress.lastByte = route.loop.turnStart }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        act(on: count > 0 ? reader.read(bytes) : reader.end(), exchange, mayHoldMore: count == buffer.count)
    }

    /// `mayHoldMore`: what follows an answer on a kept connection belongs to nobody, and was perhaps not read yet.
    private func act(on outcome: ResponseReader.Outcome, _ exchange: PlainExchange, mayHoldMore: Bool) {
        let limits = route.limits
        switch outcome {
        case .more: break
        case .complete(let isKept): complete(exchange, isKept && !mayHoldMore)
        case .nothing: fail(.connection, limits.noAnswer)
        case .cut(let words): fail(.connection, limits.cut(words))
        case .malformed(let words): fail(.malformed, words)
        case .tooLarge: fail(.tooLarge, limits.tooLarge)
        }
    }

    private func complete(_ exchange: PlainExchange, _ isKept: Bool) {
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
        // An answer that comes before the whole request is sent leaves the rest of it to nobody.
        let isDone = sent == exchange.byteCount
        self.exchange = nil
        isUsed = true
        lastUsed = route.loop.turnStart
        route.finished(self, exchange, reply, isKept: isKept && isDone)
    }

    private func fail(_ kind: TransportFailure.Kind, _ words: String) {
        guard let exchange else { return }
        self.exchange = nil
        let mayHaveBeenClosed = isUsed && !reader.hasBegun && kind == .connection
        route.failed(self, exchange, kind, words, isReplaceable: mayHaveBeenClosed)
    }
}

extension iovec {
    fileprivate init(_ bytes: Slice<UnsafeRawBufferPointer>) {
        let bytes = UnsafeRawBufferPointer(rebasing: bytes)
        self.init(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }
}
