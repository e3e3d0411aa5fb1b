internal import Basics
internal import CCurl
internal import ModelAPI
internal import Synchronization

/// All transfers of a transport: the free ones, those in flight, and the lanes they belong to. Confined to the loop.
final class TransferPool: @unchecked Sendable {
    // Unchecked: confined to the loop's thread, except for the counters.
    let loop: EventLoop
    let settings: CurlSettings
    let counters = Counters()
    private var lanes: [Lane] = []
    /// The last one that finished comes first: its connection is the warmest.
    private var free: [Transfer] = []
    private var inFlight: [Transfer] = []
    private var gate = LookupGate<Transfer.Ticket>()
    private var isSweepPlanned = false
    private(set) var isShut = false

    init(loop: EventLoop, settings: CurlSettings) {
        self.loop = loop
        self.settings = settings
    }

    /// A transfer for one exchange, to be started with `start`.
    func acquire() -> Transfer {
        loop.assertOnLoop()
        if let transfer = free.popLast() { return transfer }
        if let lane = lanes.last, lane.transfers.count < settings.laneTransfersMax {
            return lane.makeTransfer(settings)
        }
        let lane = Lane(owner: self, loop: loop, transfersMax: settings.laneTransfersMax)
        lanes.append(lane)
        return lane.makeTransfer(settings)
    }

    /// Starts a transfer that was prepared.
    func start(_ transfer: Transfer, _ waiter: Transfer.Waiter) {
        transfer.waiter = waiter
        transfer.position = inFlight.count
        inFlight.append(transfer)
        counters.inFlight.store(inFlight.count, ordering: .relaxed)
        if gate.isOpen || gate.admit(transfer.ticket) { transfer.lane.add(transfer) }
        planSweep()
    }

    /// Called by the lane when libcurl is done with it.
    func finished(_ transfer: Transfer, _ code: CURLcode) {
        counters.finished(connectionsOpened: transfer.connectionsOpened)
        let latency = Instant.now - transfer.progress.started
        guard code == CURLE_OK else {
            if code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY { gate.forget() }
            return complete(transfer, .failure(settings.failure(code, of: transfer, latency)))
        }
        let reply = ModelReply(
            status: transfer.status, body: transfer.response.take(), headers: transfer.headers.take(), latency: latency)
        complete(transfer, .success(reply))
    }

    /// Ends the exchange, unless it has ended.
    func cancel(_ ticket: Transfer.Ticket) {
        guard !isShut, ticket == ticket.transfer.ticket, ticket.transfer.waiter != nil else { return }
        abandon(ticket.transfer, .cancelled, "given up")
    }

    /// Cancels what is in flight and frees everything. Once, twice or more.
    func shutdown() {
        isShut = true
        gate = LookupGate()
        for transfer in inFlight { abandon(transfer, .cancelled, "the transport was shut down") }
        free.removeAll()
        for lane in lanes { lane.close() }
        lanes.removeAll()
    }

    private func abandon(_ transfer: Transfer, _ kind: TransportFailure.Kind, _ message: String) {
        transfer.lane.remove(transfer)
        let latency = Instant.now - transfer.progress.started
        complete(transfer, .failure(TransportFailure(kind, message, latency: latency)))
    }

    private func complete(_ transfer: Transfer, _ result: Result<ModelReply, TransportFailure>) {
        let last = inFlight.removeLast()
        if last !== transfer {
            inFlight[transfer.position] = last
            last.position = transfer.position
        }
        counters.inFlight.store(inFlight.count, ordering: .relaxed)
        let waiter = transfer.waiter
        let ticket = transfer.ticket
        transfer.reset()
        free.append(transfer)
        waiter?.resume(returning: result)
        if !gate.isOpen { passOn(ticket, result) }
    }

    // MARK: Name lookup

    /// Called from within libcurl, which must not be called back now.
    func addressKnown() {
        guard !gate.isOpen, case .start(let waiting) = gate.socketOpened() else { return }
        loop.deferred.append { [self] in start(waiting) }
    }

    /// Tells the gate that an exchange has ended, and does what it says.
    private func passOn(_ ticket: Transfer.Ticket, _ result: Result<ModelReply, TransportFailure>) {
        let ending: LookupGate<Transfer.Ticket>.Ending =
            switch result {
            case .success: .other
            case .failure(let failure): failure.kind == .cancelled ? .cancelled : .failed
            }
        switch gate.ended(ticket, ending) {
        case .nothing: break
        case .start(let waiting): start(waiting)
        case .fail(let waiting): for other in waiting { complete(other.transfer, result) }
        }
    }

    private func start(_ waiting: [Transfer.Ticket]) {
        for ticket in waiting where ticket == ticket.transfer.ticket && ticket.transfer.waiter != nil {
            ticket.transfer.lane.add(ticket.transfer)
        }
    }

    // MARK: Timeouts

    private func planSweep() {
        guard !isSweepPlanned else { return }
        isSweepPlanned = true
        loop.schedule(at: loop.turnStart + settings.timeouts.sweepInterval) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        isSweepPlanned = false
        let now = loop.turnStart
        for transfer in inFlight {
            guard let overdue = transfer.progress.overdue(now, settings.timeouts) else { continue }
            abandon(transfer, .timeout, settings.message(overdue))
        }
        if !inFlight.isEmpty { planSweep() }
    }

    /// Written on the loop, read anywhere.
    final class Counters: Sendable {
        let inFlight = Atomic<Int>(0)
        let exchanges = Atomic<Int>(0)
        let connections = Atomic<Int>(0)

        func finished(connectionsOpened: Int) {
            exchanges.add(1, ordering: .relaxed)
            if connectionsOpened > 0 { connections.add(connectionsOpened, ordering: .relaxed) }
        }
    }
}
