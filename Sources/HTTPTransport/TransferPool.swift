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

    func start(_ transfer: Transfer, _ request: ModelRequest, _ waiter: Transfer.Waiter) {
        transfer.waiter = waiter
        transfer.prepare(request, settings)
        transfer.position = inFlight.count
        inFlight.append(transfer)
        counters.inFlight.store(inFlight.count, ordering: .relaxed)
        transfer.lane.add(transfer)
        planSweep()
    }

    /// Called by the lane when libcurl is done with it.
    func finished(_ transfer: Transfer, _ code: CURLcode) {
        counters.finished(connectionsOpened: transfer.connectionsOpened)
        let latency = Instant.now - transfer.progress.started
        guard code == CURLE_OK else {
            return complete(transfer, .failure(settings.failure(code, of: transfer, latency)))
        }
        let reply = ModelReply(
            status: transfer.status, body: transfer.response.take(), headers: transfer.headers.take(), latency: latency)
        complete(transfer, .success(reply))
    }

    /// Ends exchange number `exchange` of the transfer, unless it has ended.
    func cancel(_ transfer: Transfer, _ exchange: UInt64) {
        guard !isShut, transfer.exchange == exchange, transfer.waiter != nil else { return }
        abandon(transfer, .cancelled, "given up")
    }

    /// Cancels what is in flight and frees everything. Once, twice or more.
    func shutdown() {
        for transfer in inFlight { abandon(transfer, .cancelled, "the transport was shut down") }
        isShut = true
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
        transfer.reset()
        free.append(transfer)
        waiter?.resume(returning: result)
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
