internal import Basics
internal import Glibc

/// A TLS handshake on a connected socket, up to its end or its deadline. Confined to the loop.
final class TLSHandshake: ReadinessHandler, Placed {
    enum End {
        case done(TLSStream)
        case failed(TLSFailure)
        case timedOut
    }

    let socket: Int32
    private let stream: TLSStream
    private let loop: EventLoop
    private let onEnd: (TLSHandshake, End) -> Void
    private var timer: EventLoop.TimerID?
    private var isOver = false
    /// Index among the handshakes.
    var position = 0

    /// `onEnd` is called once, and then owns the socket.
    init(
        _ stream: TLSStream, _ socket: Int32, _ loop: EventLoop, onEnd: @escaping (TLSHandshake, End) -> Void
    ) {
        self.stream = stream
        self.socket = socket
        self.loop = loop
        self.onEnd = onEnd
    }

    func begin(deadline: Instant) {
        timer = loop.schedule(at: deadline) { [weak self] in self?.end(.timedOut) }
        proceed()
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) { proceed() }

    private func proceed() {
        guard !isOver else { return }
        switch stream.shakeHands() {
        case .waits(let readiness): loop.poller.watch(socket, for: readiness, handler: self)
        case .done: end(.done(stream))
        case .failed(let failure): end(.failed(failure))
        }
    }

    private func end(_ end: End) {
        guard !isOver else { return }
        leave()
        onEnd(self, end)
    }

    private func leave() {
        isOver = true
        // Not `loop.cancel`: when the loop has stopped, this runs elsewhere.
        if let timer { _ = loop.timers.remove(id: timer.number) }
        timer = nil
        loop.poller.forget(socket)
    }

    /// Stops without calling `onEnd`.
    func close() {
        guard !isOver else { return }
        leave()
        Glibc.close(socket)
    }
}
