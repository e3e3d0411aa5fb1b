internal import Basics
internal import CCurl
internal import ModelAPI

/// libcurl makes the whole exchange: HTTP/2, and features that only libcurl has.
final class CurlRoute: Route, LaneUser {
    private let loop: EventLoop
    private let settings: CurlSettings
    private let counters: ExchangePool.Counters
    private var lanes: [Lane] = []
    private var transfers: [Transfer] = []
    private var gate = LookupGate<Exchange.Ticket>()

    init(_ loop: EventLoop, _ settings: CurlSettings, _ counters: ExchangePool.Counters) {
        self.counters = counters
        self.loop = loop
        self.settings = settings
        settings.watch.onHTTP1 = { [weak self] in self?.stopSharing() }
    }

    func makeExchange(_ pool: ExchangePool) -> Exchange {
        if transfers.count == lanes.count * settings.laneTransfersMax {
            lanes.append(
                Lane(
                    user: self, loop: loop, transfersMax: settings.laneTransfersMax,
                    connectionsMax: settings.connectionsMax))
            if !settings.sharesConnections { stopSharing() }
        }
        let transfer = Transfer(self, pool, lanes[lanes.count - 1], settings)
        transfers.append(transfer)
        return transfer
    }

    func begin(_ transfer: Transfer) {
        guard transfer.isPossible else {
            let failure = settings.limits.failure(.malformed, settings.limits.noSuchPath, after: .zero)
            return transfer.pool.finished(transfer, .failure(failure))
        }
        if gate.isOpen || gate.admit(transfer.ticket) { add(transfer) }
    }

    private func add(_ transfer: Transfer) {
        transfer.applyProtocol()
        transfer.lane.add(transfer.easy)
    }

    /// Called within a handshake: no answer has arrived on that connection yet.
    private func stopSharing() {
        for lane in lanes { lane.stopSharing() }
    }

    func handleEnded(_ context: UnsafeMutableRawPointer, _ code: CURLcode) {
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        transfer.lane.remove(transfer.easy)
        let opened = transfer.connectionsOpened
        if opened > 0 { counters.connectionsOpened(opened) }
        let latency = Instant.now - transfer.progress.started
        guard code == CURLE_OK else {
            if settings.isLeft(code) { return transfer.pool.moved(transfer) }
            if code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY { gate.forget() }
            return transfer.pool.finished(transfer, .failure(settings.failure(code, of: transfer, latency)))
        }
        let body: [UInt8]
        do {
            body = try transfer.takeBody()
        } catch {
            let failure = settings.limits.failure(error, after: latency)
            return transfer.pool.finished(transfer, .failure(failure))
        }
        let reply = ModelReply(
            status: transfer.status, body: body, headers: transfer.headers.take(), latency: latency)
        transfer.pool.finished(transfer, .success(reply))
    }

    func close() {
        for transfer in transfers { transfer.close() }
        transfers.removeAll()
        for lane in lanes { lane.close() }
        lanes.removeAll()
    }

    // MARK: Name lookup

    func addressKnown() {
        guard !gate.isOpen, case .start(let waiting) = gate.socketOpened() else { return }
        loop.deferred.append { [self] in start(waiting) }
    }

    /// Tells the gate that an exchange has ended, and carries out its action.
    func ended(_ ticket: Exchange.Ticket, _ result: Result<ModelReply, TransportFailure>?) {
        guard !gate.isOpen else { return }
        let ending: LookupGate<Exchange.Ticket>.Ending =
            switch result {
            case nil, .success: .other
            case .failure(let failure): failure.kind == .cancelled ? .cancelled : .failed
            }
        switch gate.ended(ticket, ending) {
        case .nothing: break
        case .start(let waiting): start(waiting)
        case .fail(let waiting):
            guard let result else { return }
            for other in waiting { transfer(of: other)?.pool.complete(other.exchange, result) }
        }
    }

    private func start(_ waiting: [Exchange.Ticket]) {
        for ticket in waiting {
            guard let transfer = transfer(of: ticket) else { continue }
            add(transfer)
        }
    }

    /// Nil if the request has ended in the meantime.
    private func transfer(of ticket: Exchange.Ticket) -> Transfer? {
        guard let transfer = ticket.exchange as? Transfer, transfer.pool.isInFlight(ticket) else { return nil }
        return transfer
    }
}
