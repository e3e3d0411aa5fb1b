internal import Basics
internal import ModelAPI

/// Combines all state machines of a run: it holds the items and decides what happens next. A value; time comes in,
/// actions go out.
struct Dispatcher {
    enum Action {
        /// Send this request.
        case dispatch(Ticket)
        /// Ask the source for a batch.
        case pull
        /// Offer the sink the results that it could not take before.
        case offer
        /// Offer the sink the results that were released.
        case record
        /// Have the verifier judge this item's answer.
        case judge(Ticket)
        /// Read the known answer to this item's request.
        case recall(Ticket)
        /// Cancel this request alone.
        case cancel(Ticket)
        /// Cancel what is in flight.
        case cut
        /// Wait until the time, or until something returns.
        case wait(until: Instant?)
        case finish
    }

    var window: WindowMachine
    var flights = Flights()
    var retries = RetryQueue<Ticket>()
    var adaptive: AdaptiveConcurrency
    var breaker = CircuitBreaker()
    /// Spreads the requests over several endpoints; nil if there is only one.
    var router: EndpointRouter?
    var refusals: RefusalWatch
    /// Whether the user has paused the run.
    var isPaused = false
    var errors = ErrorTally()
    /// The error of the latest failed attempt; nil once a later one has succeeded.
    var lastError: String?
    /// Whether any attempt got a reply.
    var hasReached = false
    /// What prevented sending at the last decision.
    private(set) var hold = Hold.none
    /// The first error that stopped the run, if any.
    private(set) var error: RetortError?
    /// Items waiting for a retry, by the class of their failure.
    var waitingByClass: [FailureClass: Int] = [:]
    /// Retried attempts, by the class of the previous failure.
    private(set) var retriesByClass: [FailureClass: Int] = [:]
    /// Held outcomes that will be recorded now.
    private var released: [Settlement] = []

    private var ready = ReadyQueue()
    /// Items with equal requests; nil: each item is sent.
    var twins: Twins?
    var judging: Judging
    /// Models whose items are held.
    var holds = ModelHolds()
    /// Sends duplicates of stragglers; nil: off.
    var hedging: Hedging?
    var limiter: RateLimiter
    var backoff: Backoff
    var budget: Budget?
    let shared: (any SharedAllowance)?
    /// The run's own limit; a shared limit may have granted less.
    private let moneyMax: Int
    private var offerAt: Instant?
    let attemptsMax: Int
    let outageMax: Interval
    let server: String
    let hasWorkedBefore: Bool
    let keepsRounds: Bool
    let refusalsAreOutcomes: Bool

    /// Interval between two attempts to write to a full disk.
    static let offerInterval = Interval.seconds(3)

    init(_ configuration: GeneratorConfiguration, at now: Instant) {
        window = WindowMachine(waitingMax: configuration.waitingLimit)
        adaptive = AdaptiveConcurrency(
            ceiling: configuration.concurrency,
            automatic: configuration.isConcurrencyAutomatic && configuration.endpoints.count < 2)
        if configuration.endpoints.count > 1 {
            router = EndpointRouter(
                configuration.endpoints, concurrency: configuration.concurrency,
                automatic: configuration.isConcurrencyAutomatic, waitMax: configuration.classifier.retryAfterMax,
                at: now)
        }
        limiter = RateLimiter(configuration.limits, waitMax: configuration.classifier.retryAfterMax, at: now)
        backoff = Backoff(base: configuration.backoffBase, cap: configuration.backoffCap, seed: configuration.seed)
        budget = configuration.budget
        shared = configuration.shared
        moneyMax = configuration.budget?.limit ?? 0
        if let limit = configuration.shared?.moneyLimit {
            let given = min(moneyMax, limit)
            budget?.setLimit(given)
        }
        attemptsMax = configuration.attemptsMax
        outageMax = configuration.outageMax
        server = configuration.server
        hasWorkedBefore = configuration.hasWorkedBefore
        keepsRounds = configuration.keepsRounds
        refusalsAreOutcomes = configuration.refusalsAreOutcomes
        judging = Judging(answersMax: configuration.verifiedAnswersMax)
        twins = configuration.memory.map(Twins.init)
        hedging = configuration.hedging.map(Hedging.init)
        refusals = RefusalWatch(
            equalMax: configuration.refusalsMax, hasWorkedBefore: configuration.hasWorkedBefore)
    }

    /// The source is exhausted: the remaining items are in flight or waiting.
    var isTail: Bool { window.source == .exhausted && ready.count == 0 }

    // MARK: Deciding

    mutating func next(at now: Instant) -> Action {
        let action = decide(at: now)
        guard case .wait(let due) = action, let hedge = hedging?.due(at: now) else { return action }
        return .wait(until: min(due ?? hedge, hedge))
    }

    private mutating func decide(at now: Instant) -> Action {
        if let loser = hedging?.takeLoser() { return .cancel(loser) }
        checkOutage(at: now)
        if window.phase == .open, let ticket = judging.next() { return .judge(ticket) }
        if window.phase == .open, let ticket = twins?.nextRecall() { return .recall(ticket) }
        let waiting = retries.count + holds.count + judging.waitingCount + (twins?.waitingCount ?? 0)
        if judging.underWay == 0, twins?.recallsUnderWay ?? 0 == 0,
            window.isFinished(atHand: ready.count, waiting: waiting)
        {
            return end()
        }
        if window.isOutOfSpace, let offerAt, offerAt <= now { return .offer }
        if case .draining(let deadline) = window.phase {
            if let deadline, deadline <= now { return .cut }
            return wait(.draining, until: deadline)
        }
        if let error = refusals.error {
            // Requests in flight may prove that not every request is refused.
            guard flights.count == 0, judging.isIdle else { return wait(.refused, until: nil) }
            stop(with: error)
            return .finish
        }
        if isPaused { return wait(.paused, until: nil) }
        if twins?.isFull != true,
            window.wantsItems(atHand: ready.count + judging.waitingCount, waiting: retries.count + holds.count)
        {
            window.pulled()
            return .pull
        }
        if window.isOutOfSpace { return wait(.outOfSpace, until: offerAt) }
        if window.isPressed { return wait(.sinkPressed, until: nil) }
        guard window.hasRoom(limit: adaptive.limit) else { return wait(.none, until: nil) }
        if judging.isFull { return wait(.verifier, until: nil) }
        return hedge(at: now) ?? dispatchOrWait(at: now)
    }

    private mutating func dispatchOrWait(at now: Instant) -> Action {
        parkHeld()
        if router != nil { return dispatchToEndpoint(at: now) }
        var isProbe = false
        switch breaker.permission(at: now) {
        case .go: break
        case .probe: isProbe = true
        case .wait(let due): return wait(breaker.trouble == .refusal ? .rateLimited : .serverDown, until: due)
        }
        let fresh = ready.count > 0
        guard fresh || !retries.isEmpty else { return wait(.none, until: nil) }
        // A probe does not wait for the backoff of its item.
        if !fresh, !isProbe, let due = retries.nextDue, due > now { return wait(.none, until: due) }
        let retryFirst = retries.nextDue.map { $0 <= now } ?? false || !fresh
        guard let first = retryFirst ? retries.first : ready.first else { return wait(.none, until: nil) }
        return send(first, retryFirst: retryFirst, isProbe: isProbe, to: 0, at: now)
    }

    /// Sets held models' items aside until the first item belongs to another model.
    private mutating func parkHeld() {
        guard !holds.isEmpty else { return }
        while let ticket = ready.first, holds.holds(ticket) {
            _ = ready.popFirst()
            holds.park(ticket)
        }
        while let ticket = retries.first, holds.holds(ticket) {
            _ = takeRetry()
            holds.park(ticket)
        }
    }

    /// Sends the first item, if the limits of the run allow it.
    mutating func send(_ first: Ticket, retryFirst: Bool, isProbe: Bool, to endpoint: Int, at now: Instant) -> Action {
        let tokens = first.estimatedTokens
        let pace = limiter.ready(tokens: tokens, at: now)
        if pace > now { return wait(.rateLimit, until: pace) }
        if let shared {
            guard let due = shared.ready(tokens: tokens, at: now) else { return wait(.rateLimit, until: nil) }
            if due > now { return wait(.rateLimit, until: due) }
        }
        let costMax = first.costMax
        if budget?.takes(costMax) == false, !takeMoney(for: costMax) { return waitForMoney(costMax) }
        guard let ticket = retryFirst ? takeRetry() : ready.popFirst() else { return wait(.none, until: nil) }
        return launch(ticket, isProbe: isProbe, to: endpoint, at: now)
    }

    /// Sends a request that all limits allow.
    mutating func launch(_ ticket: Ticket, isProbe: Bool, to endpoint: Int, at now: Instant) -> Action {
        let tokens = ticket.estimatedTokens
        limiter.take(tokens: tokens, at: now)
        shared?.take(tokens: tokens, at: now)
        budget?.reserve(ticket.costMax)
        window.dispatched()
        flights.insert(ticket, at: now)
        if hedging != nil {
            ticket.cancellation = AttemptCancellation()
            hedging?.dispatched(ticket)
        }
        ticket.isProbe = isProbe
        if router == nil {
            ticket.dispatchNumber = adaptive.dispatched(inFlight: window.inFlight)
            if isProbe { breaker.probeDispatched() }
        } else {
            ticket.endpoint = endpoint
            ticket.dispatchNumber =
                router?.dispatched(endpoint, tokens: tokens, isProbe: isProbe, at: now) ?? 0
        }
        hold = .none
        return .dispatch(ticket)
    }

    /// Whether the shared limit has granted enough for a request in the meantime.
    mutating func takeMoney(for cost: Int) -> Bool {
        guard let limit = shared?.moneyLimit else { return false }
        let given = min(moneyMax, limit)
        budget?.setLimit(given)
        return budget?.allows(cost) ?? true
    }

    private mutating func waitForMoney(_ cost: Int) -> Action {
        guard let budget else { return wait(.budget, until: nil) }
        // If the cost exceeds the run's own limit, waiting does not help.
        var whole = budget
        whole.setLimit(moneyMax)
        let (wanted, overflow) = cost.multipliedReportingOverflow(by: adaptive.limit)
        if let shared, whole.allows(cost), shared.wantMoney(needed: cost, wanted: overflow ? cost : wanted) {
            return wait(.budget, until: nil)
        }
        return waitForBudget(budget.refusal(of: cost))
    }

    /// Requests in flight may cost less than was reserved for them; if none is in flight, the run ends.
    private mutating func waitForBudget(_ error: RetortError) -> Action {
        guard flights.count == 0, judging.isIdle else { return wait(.budget, until: nil) }
        stop(with: error)
        return .finish
    }

    /// Items that were never sent.
    var readyCount: Int { ready.count }
    var readyFirst: Ticket? { ready.first }

    mutating func wait(_ reason: Hold, until due: Instant?) -> Action {
        // Only items held by the user are left.
        hold = reason == .none && holds.count > 0 && flights.count == 0 ? .paused : reason
        return .wait(until: due)
    }

    private mutating func takeRetry() -> Ticket? {
        guard let ticket = retries.popFirst() else { return nil }
        if let reason = ticket.waitsAfter {
            waitingByClass[reason, default: 1] -= 1
            retriesByClass[reason, default: 0] += 1
        }
        ticket.waitsAfter = nil
        return ticket
    }

    /// Everything has ended except held refusals.
    private mutating func end() -> Action {
        guard window.phase == .open, refusals.heldCount > 0 else { return .finish }
        let end = refusals.ended()
        if let error = end.error { stop(with: error) }
        guard !end.failed.isEmpty else { return .finish }
        release(end.failed)
        return .record
    }

    /// Releases held results for recording.
    mutating func release(_ settlements: [Settlement]) {
        guard !settlements.isEmpty else { return }
        for settlement in settlements {
            if let cost = settlement.cost, cost > 0 { budget?.recorded(cost) }
        }
        window.recorded(settlements.count)
        released += settlements
    }

    /// Adds another result of the reply that just arrived.
    mutating func append(released settlement: Settlement) { released.append(settlement) }

    var hasReleased: Bool { !released.isEmpty }

    mutating func takeReleased() -> [Settlement] {
        defer { released = [] }
        return released
    }

    // MARK: What happened

    /// The source supplied tickets, or nil at its end. An error also ends it; the items so far are completed.
    mutating func supplied(_ tickets: [Ticket]?, error: RetortError? = nil) {
        window.supplied(tickets?.count)
        if let error { fail(with: error) }
        guard window.phase == .open, let tickets else { return }
        let asked = twins?.admit(tickets) ?? tickets
        guard judging.isOn else {
            ready.append(asked)
            return
        }
        for ticket in asked where ticket.held != nil { judging.append(ticket) }
        ready.append(asked.filter { $0.held == nil })
    }

    /// Adds these items, as if the source had supplied them.
    mutating func ask(_ tickets: [Ticket]) { ready.append(tickets) }

    /// The sink took this many results.
    mutating func settled(_ count: Int, pressure: SinkPressure) {
        window.settled(count)
        window.isPressed = pressure == .pressed
        window.isOutOfSpace = false
        offerAt = nil
    }

    mutating func relieved() { window.isPressed = false }

    /// The sink's disk is full.
    mutating func outOfSpace(at now: Instant) {
        window.isOutOfSpace = true
        offerAt = now + Self.offerInterval
    }

    mutating func drain(deadline: Instant?) { window.drain(deadline: deadline) }

    mutating func cut() { window.cut() }

    /// Takes no new work because of an error; the first error is kept.
    mutating func stop(with error: RetortError) {
        fail(with: error)
        window.drain(deadline: nil)
    }

    /// Notes an error; the first one is kept.
    mutating func fail(with error: RetortError) {
        if self.error == nil { self.error = error }
    }
}
