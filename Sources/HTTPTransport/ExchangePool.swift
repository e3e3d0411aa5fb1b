internal import Basics
internal import ModelAPI
internal import Synchronization

/// All exchanges of a transport: the free ones and those in flight, with their timeouts. Confined to the loop.
final class ExchangePool: @unchecked Sendable {
    // Unchecked: confined to the loop's thread, except for the counters.
    let loop: EventLoop
    let limits: ExchangeLimits
    let counters: Counters
    private let route: any Route
    /// The most recently finished one is used first: its connection is the warmest.
    private var free: [Exchange] = []
    private var inFlight = PlacedList<Exchange>()
    private var isSweepPlanned = false
    private(set) var isShut = false

    init(_ loop: EventLoop, _ limits: ExchangeLimits, _ route: any Route, _ counters: Counters) {
        self.loop = loop
        self.limits = limits
        self.route = route
        self.counters = counters
    }

    /// An exchange for one request, to be started with `start`.
    func acquire() -> Exchange {
        loop.assertOnLoop()
        return free.popLast() ?? route.makeExchange(self)
    }

    /// Starts a prepared exchange.
    func start(_ exchange: Exchange, _ waiter: Exchange.Waiter) {
        exchange.waiter = waiter
        inFlight.append(exchange)
        counters.inFlight.add(1, ordering: .relaxed)
        exchange.begin()
        planSweep()
    }

    /// The server has answered, or the exchange has failed.
    func finished(_ exchange: Exchange, _ result: Result<ModelReply, TransportFailure>) {
        counters.exchanges.add(1, ordering: .relaxed)
        complete(exchange, result)
    }

    /// Ends an exchange that is in flight.
    func complete(_ exchange: Exchange, _ result: Result<ModelReply, TransportFailure>) {
        var result = result
        if case .failure(var failure) = result, failure.stage == .sent, exchange.progress.lastByte != nil {
            failure.stage = .answering
            result = .failure(failure)
        }
        end(exchange, result)
    }

    /// The server speaks a protocol that this route does not support: nothing was sent, and the other route takes the
    /// request.
    func moved(_ exchange: Exchange) { end(exchange, nil) }

    private func end(_ exchange: Exchange, _ result: Result<ModelReply, TransportFailure>?) {
        inFlight.remove(exchange)
        counters.inFlight.subtract(1, ordering: .relaxed)
        let waiter = exchange.waiter
        let ticket = exchange.ticket
        exchange.reset()
        free.append(exchange)
        waiter?.resume(returning: result)
        route.ended(ticket, result)
    }

    /// Ends the exchange, unless it has ended.
    func cancel(_ ticket: Exchange.Ticket) {
        guard !isShut, isInFlight(ticket) else { return }
        abandon(ticket.exchange, cancelled("given up", ticket.exchange))
    }

    func isInFlight(_ ticket: Exchange.Ticket) -> Bool {
        ticket == ticket.exchange.ticket && ticket.exchange.waiter != nil
    }

    /// Cancels what is in flight and frees everything. May be called repeatedly.
    func shutdown() {
        guard !isShut else { return }
        isShut = true
        for exchange in inFlight.elements { abandon(exchange, cancelled("the transport was shut down", exchange)) }
        free.removeAll()
        route.close()
    }

    private func abandon(_ exchange: Exchange, _ failure: TransportFailure) {
        // If it waited for another one's name lookup, it has ended with that.
        guard exchange.waiter != nil else { return }
        exchange.abandon()
        complete(exchange, .failure(failure))
    }

    private func cancelled(_ words: String, _ exchange: Exchange) -> TransportFailure {
        TransportFailure(.cancelled, words, latency: .now - exchange.progress.started)
    }

    // MARK: Timeouts

    private func planSweep() {
        guard !isSweepPlanned else { return }
        isSweepPlanned = true
        loop.schedule(at: loop.turnStart + limits.timeouts.sweepInterval) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        isSweepPlanned = false
        let now = loop.turnStart
        for exchange in inFlight.elements {
            guard let overdue = exchange.progress.overdue(now, limits.timeouts) else { continue }
            abandon(exchange, limits.timeout(overdue, after: now - exchange.progress.started))
        }
        if !inFlight.elements.isEmpty { planSweep() }
    }

    /// Written on the loop, read anywhere.
    final class Counters: Sendable {
        let inFlight = Atomic<Int>(0)
        let exchanges = Atomic<Int>(0)
        let connections = Atomic<Int>(0)
        let sendsUnaskedBytes = Atomic<Bool>(false)

        func sawUnaskedBytes() { sendsUnaskedBytes.store(true, ordering: .relaxed) }

        func connectionsOpened(_ count: Int) { connections.add(count, ordering: .relaxed) }
    }
}

/// A route to the server: makes exchanges. Confined to the loop.
protocol Route: AnyObject {
    func makeExchange(_ pool: ExchangePool) -> Exchange

    /// Called at every exchange's end, after its waiter.
    func ended(_ ticket: Exchange.Ticket, _ result: Result<ModelReply, TransportFailure>?)

    /// Frees everything. No exchange may be in flight.
    func close()
}
