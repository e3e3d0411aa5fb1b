internal import Basics
internal import ModelAPI

/// All the machines of a run as one: it holds the items and decides what happens next. A value; time comes in, actions
/// go out.
struct Dispatcher {
    enum Action {
        /// Send this request.
        case dispatch(Ticket)
        /// Ask the source for a batch.
        case pull
        /// Offer the sink what it could not take before.
        case offer
        /// Cancel what is in flight.
        case cut
        /// Nothing can be done before the time, or before something returns.
        case wait(until: Instant?)
        case finish
    }

    private(set) var window: WindowMachine
    private(set) var retries = RetryQueue<Ticket>()
    private(set) var adaptive: AdaptiveConcurrency
    private(set) var breaker = CircuitBreaker()
    /// What dispatch waits for, as of the last decision.
    private(set) var hold = Hold.none
    /// The first error that stopped the run, if any.
    private(set) var error: RetortError?
    /// Items waiting for a retry, by what they failed of.
    private(set) var waitingByClass: [FailureClass: Int] = [:]

    private var ready: [Ticket?] = []
    private var readyHead = 0
    private var limiter: RateLimiter
    private var backoff: Backoff
    private var offerAt: Instant?
    private let attemptsMax: Int
    private let outageMax: Interval

    /// How often a full disk is tried again.
    static let offerInterval = Interval.seconds(3)

    init(_ configuration: GeneratorConfiguration, at now: Instant) {
        window = WindowMachine(waitingMax: configuration.waitingLimit)
        adaptive = AdaptiveConcurrency(
            ceiling: configuration.concurrency, automatic: configuration.isConcurrencyAutomatic)
        limiter = RateLimiter(configuration.limits, at: now)
        backoff = Backoff(base: configuration.backoffBase, cap: configuration.backoffCap, seed: configuration.seed)
        attemptsMax = configuration.attemptsMax
        outageMax = configuration.outageMax
    }

    /// Items at hand that were never sent.
    var readyCount: Int { ready.count - readyHead }

    /// Nothing new is to come: what is left is in flight or waits.
    var isTail: Bool { window.source == .exhausted && readyCount == 0 }

    // MARK: Deciding

    mutating func next(at now: Instant) -> Action {
        checkOutage(at: now)
        if window.isFinished(atHand: readyCount, waiting: retries.count) { return .finish }
        if window.isOutOfSpace, let offerAt, offerAt <= now { return .offer }
        if case .draining(let deadline) = window.phase {
            if let deadline, deadline <= now { return .cut }
            return wait(.draining, until: deadline)
        }
        if window.wantsItems(atHand: readyCount, waiting: retries.count) {
            window.pulled()
            return .pull
        }
        if window.isOutOfSpace { return wait(.outOfSpace, until: offerAt) }
        if window.isPressed { return wait(.sinkPressed, until: nil) }
        guard window.hasRoom(limit: adaptive.limit) else { return wait(.none, until: nil) }
        return dispatchOrWait(at: now)
    }

    private mutating func dispatchOrWait(at now: Instant) -> Action {
        var isProbe = false
        switch breaker.permission(at: now) {
        case .go: break
        case .probe: isProbe = true
        case .wait(let due): return wait(.serverDown, until: due)
        }
        let fresh = readyCount > 0
        guard fresh || !retries.isEmpty else { return wait(.none, until: nil) }
        // A probe does not wait for the backoff of the item it happens to carry.
        if !fresh, !isProbe, let due = retries.nextDue, due > now { return wait(.none, until: due) }
        let retryFirst = retries.nextDue.map { $0 <= now } ?? false || !fresh
        let tokens = (retryFirst ? retries.first : ready[readyHead])?.estimatedTokens ?? 0
        let pace = limiter.ready(tokens: tokens, at: now)
        if pace > now { return wait(.rateLimit, until: pace) }
        guard let ticket = retryFirst ? takeRetry() : takeReady() else { return wait(.none, until: nil) }
        limiter.take(tokens: tokens, at: now)
        window.dispatched()
        ticket.dispatchNumber = adaptive.dispatched(inFlight: window.inFlight)
        ticket.isProbe = isProbe
        if isProbe { breaker.probeDispatched() }
        hold = .none
        return .dispatch(ticket)
    }

    private mutating func wait(_ reason: Hold, until due: Instant?) -> Action {
        hold = reason
        return .wait(until: due)
    }

    private mutating func takeReady() -> Ticket? {
        let ticket = ready[readyHead]
        ready[readyHead] = nil
        readyHead += 1
        if readyHead == ready.count {
            ready.removeAll(keepingCapacity: true)
            readyHead = 0
        }
        return ticket
    }

    private mutating func takeRetry() -> Ticket? {
        guard let ticket = retries.popFirst() else { return nil }
        if let reason = ticket.waitsAfter { waitingByClass[reason, default: 1] -= 1 }
        ticket.waitsAfter = nil
        return ticket
    }

    private mutating func checkOutage(at now: Instant) {
        guard window.phase == .open, let since = breaker.downSince, now - since >= outageMax else { return }
        stop(
            with: RetortError(
                .incomplete, "the server has been down for \(Int((now - since).seconds)) seconds",
                remedy: "Nothing is lost; run the same command again when it is up."))
    }

    // MARK: What happened

    /// The source handed over tickets, or nil at its end; an error also ends it, and the rest completes.
    mutating func supplied(_ tickets: [Ticket]?, error: RetortError? = nil) {
        window.supplied(tickets?.count)
        if let error, self.error == nil { self.error = error }
        guard window.phase == .open, let tickets else { return }
        if readyHead > 0, readyHead * 2 > ready.count {
            ready.removeFirst(readyHead)
            readyHead = 0
        }
        ready.append(contentsOf: tickets)
    }

    /// The sink took so many results.
    mutating func settled(_ count: Int, pressure: SinkPressure) {
        window.settled(count)
        window.isPressed = pressure == .pressed
        window.isOutOfSpace = false
        offerAt = nil
    }

    mutating func relieved() { window.isPressed = false }

    /// The sink had no room on the disk.
    mutating func outOfSpace(at now: Instant) {
        window.isOutOfSpace = true
        offerAt = now + Self.offerInterval
    }

    mutating func drain(deadline: Instant?) { window.drain(deadline: deadline) }

    mutating func cut() { window.cut() }

    /// Takes no new work because of an error; the first one is kept.
    mutating func stop(with error: RetortError) {
        if self.error == nil { self.error = error }
        window.drain(deadline: nil)
    }
}

extension Dispatcher {
    /// An attempt came back. Returns what the sink must take, or nil when the item waits or stays pending.
    mutating func returned(_ attempt: AttemptResult, at now: Instant) -> Settlement? {
        let ticket = attempt.ticket
        let wasProbe = ticket.isProbe
        ticket.isProbe = false
        if let reply = attempt.reply {
            if let limits = RateLimitReport(reply) { limiter.learn(limits, at: now) }
            adaptive.returned(
                ticket.dispatchNumber, refused: attempt.isRefusedForLoad, latency: attempt.latency)
        }
        switch attempt.verdict {
        case .answer(let answer):
            breaker.replied()
            ticket.attempts += 1
            if answer.usage.total > 0 {
                limiter.settle(reserved: ticket.estimatedTokens, used: answer.usage.total, at: now)
            }
            return settle(attempt, .answer(answer), at: now)
        case .fail(let failureClass, let message):
            breaker.replied()
            ticket.attempts += 1
            return settle(attempt, attempt.failure(failureClass, message), at: now)
        case .stop(let error):
            breaker.replied()
            window.released()
            stop(with: error)
            return nil
        case .retry(let failureClass, let message, let hint):
            return retry(attempt, failureClass, message, hint, wasProbe, at: now)
        case .cancelled:
            if wasProbe { breaker.probeCancelled(at: now) }
            if window.phase == .open { return retry(attempt, .connection, "cancelled", nil, wasProbe, at: now) }
            window.released()
            return nil
        }
    }

    private mutating func settle(_ attempt: AttemptResult, _ result: OutcomeResult, at now: Instant) -> Settlement {
        window.received()
        return Settlement(ticket: attempt.ticket, result: result, latency: attempt.latency, finishedAt: now)
    }

    private mutating func retry(
        _ attempt: AttemptResult, _ failureClass: FailureClass, _ message: String, _ hint: Interval?,
        _ wasProbe: Bool, at now: Instant
    ) -> Settlement? {
        let ticket = attempt.ticket
        let isTrouble = failureClass != .rateLimited
        if isTrouble {
            let trouble: CircuitBreaker.Trouble = failureClass == .connection ? .connection : .server
            breaker.failed(trouble, item: ticket.serial, wasProbe: wasProbe, at: now)
        } else {
            breaker.replied()
        }
        if !(isTrouble && breaker.isOpen) { ticket.attempts += 1 }
        if ticket.attempts >= attemptsMax {
            return settle(attempt, attempt.failure(failureClass, message), at: now)
        }
        window.released()
        guard window.phase == .open else { return nil }
        ticket.waitsAfter = failureClass
        waitingByClass[failureClass, default: 0] += 1
        retries.push(ticket, due: now + backoff.delay(attempt: max(1, ticket.attempts), hint: hint))
        return nil
    }
}

extension AttemptResult {
    /// Statuses by which a server asks for less.
    var isRefusedForLoad: Bool { reply.map { $0.status == 429 || $0.status == 503 || $0.status == 529 } ?? false }

    func failure(_ failureClass: FailureClass, _ message: String) -> OutcomeResult {
        let body = reply?.body ?? []
        let kept = body.count <= ItemFailure.bodyBytesMax ? body : Array(body.prefix(ItemFailure.bodyBytesMax))
        return .failure(ItemFailure(failureClass, message, status: reply?.status ?? 0, body: kept))
    }
}
