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

    var window: WindowMachine
    var flights = Flights()
    var retries = RetryQueue<Ticket>()
    var adaptive: AdaptiveConcurrency
    var breaker = CircuitBreaker()
    /// What dispatch waits for, as of the last decision.
    private(set) var hold = Hold.none
    /// The first error that stopped the run, if any.
    private(set) var error: RetortError?
    /// Items waiting for a retry, by what they failed of.
    var waitingByClass: [FailureClass: Int] = [:]

    private var ready = ReadyQueue()
    var limiter: RateLimiter
    var backoff: Backoff
    var budget: Budget?
    private var offerAt: Instant?
    let attemptsMax: Int
    private let outageMax: Interval

    /// How often a full disk is tried again.
    static let offerInterval = Interval.seconds(3)

    init(_ configuration: GeneratorConfiguration, at now: Instant) {
        window = WindowMachine(waitingMax: configuration.waitingLimit)
        adaptive = AdaptiveConcurrency(
            ceiling: configuration.concurrency, automatic: configuration.isConcurrencyAutomatic)
        limiter = RateLimiter(configuration.limits, at: now)
        backoff = Backoff(base: configuration.backoffBase, cap: configuration.backoffCap, seed: configuration.seed)
        budget = configuration.budget
        attemptsMax = configuration.attemptsMax
        outageMax = configuration.outageMax
    }

    /// Nothing new is to come: what is left is in flight or waits.
    var isTail: Bool { window.source == .exhausted && ready.count == 0 }

    // MARK: Deciding

    mutating func next(at now: Instant) -> Action {
        checkOutage(at: now)
        if window.isFinished(atHand: ready.count, waiting: retries.count) { return .finish }
        if window.isOutOfSpace, let offerAt, offerAt <= now { return .offer }
        if case .draining(let deadline) = window.phase {
            if let deadline, deadline <= now { return .cut }
            return wait(.draining, until: deadline)
        }
        if window.wantsItems(atHand: ready.count, waiting: retries.count) {
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
        case .wait(let due): return wait(breaker.trouble == .refusal ? .rateLimit : .serverDown, until: due)
        }
        let fresh = ready.count > 0
        guard fresh || !retries.isEmpty else { return wait(.none, until: nil) }
        // A probe does not wait for the backoff of the item it happens to carry.
        if !fresh, !isProbe, let due = retries.nextDue, due > now { return wait(.none, until: due) }
        let retryFirst = retries.nextDue.map { $0 <= now } ?? false || !fresh
        let tokens = (retryFirst ? retries.first : ready.first)?.estimatedTokens ?? 0
        let pace = limiter.ready(tokens: tokens, at: now)
        if pace > now { return wait(.rateLimit, until: pace) }
        let costMax = (retryFirst ? retries.first : ready.first)?.costMax ?? 0
        if let budget, !budget.allows(costMax) { return waitForBudget(budget.refusal(of: costMax)) }
        guard let ticket = retryFirst ? takeRetry() : ready.popFirst() else { return wait(.none, until: nil) }
        limiter.take(tokens: tokens, at: now)
        budget?.reserve(costMax)
        window.dispatched()
        flights.insert(ticket, at: now)
        ticket.dispatchNumber = adaptive.dispatched(inFlight: window.inFlight)
        ticket.isProbe = isProbe
        if isProbe { breaker.probeDispatched() }
        hold = .none
        return .dispatch(ticket)
    }

    /// What is on its way may cost less than was set aside for it; once nothing is, the run ends.
    private mutating func waitForBudget(_ error: RetortError) -> Action {
        guard flights.count == 0 else { return wait(.budget, until: nil) }
        stop(with: error)
        return .finish
    }

    private mutating func wait(_ reason: Hold, until due: Instant?) -> Action {
        hold = reason
        return .wait(until: due)
    }

    private mutating func takeRetry() -> Ticket? {
        guard let ticket = retries.popFirst() else { return nil }
        if let reason = ticket.waitsAfter { waitingByClass[reason, default: 1] -= 1 }
        ticket.waitsAfter = nil
        return ticket
    }

    private mutating func checkOutage(at now: Instant) {
        guard window.phase == .open, let since = breaker.downSince, now - since >= outageMax else { return }
        let seconds = Int((now - since).seconds)
        let isRefusal = breaker.trouble == .refusal
        stop(
            with: RetortError(
                .incomplete,
                isRefusal
                    ? "the API has refused every request for \(seconds) seconds, as too many"
                    : "the server has been down for \(seconds) seconds",
                remedy: isRefusal
                    ? "Nothing is lost; run the same command again when the account's limit allows."
                    : "Nothing is lost; run the same command again when it is up."))
    }

    // MARK: What happened

    /// The source handed over tickets, or nil at its end; an error also ends it, and the rest completes.
    mutating func supplied(_ tickets: [Ticket]?, error: RetortError? = nil) {
        window.supplied(tickets?.count)
        if let error, self.error == nil { self.error = error }
        guard window.phase == .open, let tickets else { return }
        ready.append(tickets)
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
