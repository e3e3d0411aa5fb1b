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
        /// Offer the sink what was released.
        case record
        /// Have the verifier judge this item's answer.
        case judge(Ticket)
        /// Get the answer that is known for what this item asks.
        case recall(Ticket)
        /// Cancel this request alone.
        case cancel(Ticket)
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
    /// Spreads the requests over several endpoints; nil where there is one.
    var router: EndpointRouter?
    var refusals: RefusalWatch
    /// The user wants nothing to be sent.
    var isPaused = false
    var errors = ErrorTally()
    /// What the latest failed attempt met; nil once a later one has succeeded.
    var lastError: String?
    /// Whether any attempt had a reply.
    var hasReached = false
    /// What dispatch waits for, as of the last decision.
    private(set) var hold = Hold.none
    /// The first error that stopped the run, if any.
    private(set) var error: RetortError?
    /// Items waiting for a retry, by what they failed of.
    var waitingByClass: [FailureClass: Int] = [:]
    /// Attempts that were repeated, by what the one before failed of.
    private(set) var retriesByClass: [FailureClass: Int] = [:]
    /// Outcomes that were held and are to be recorded.
    private var released: [Settlement] = []

    private var ready = ReadyQueue()
    /// Items that ask what others ask; nil: each is asked.
    var twins: Twins?
    var judging: Judging
    /// Models whose items wait.
    var holds = ModelHolds()
    /// Sends stragglers a second time; nil: nothing does.
    var hedging: Hedging?
    var limiter: RateLimiter
    var backoff: Backoff
    var budget: Budget?
    let shared: (any SharedAllowance)?
    /// The run's own limit, of which a shared one may have given less.
    private let moneyMax: Int
    private var offerAt: Instant?
    let attemptsMax: Int
    let outageMax: Interval
    let server: String
    let hasWorkedBefore: Bool
    let keepsRounds: Bool
    let refusalsAreOutcomes: Bool

    /// How often a full disk is tried again.
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

    /// Nothing new is to come: what is left is in flight or waits.
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
            // Those in flight may prove that not every request is refused.
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
        // A probe does not wait for the backoff of the item it happens to carry.
        if !fresh, !isProbe, let due = retries.nextDue, due > now { return wait(.none, until: due) }
        let retryFirst = retries.nextDue.map { $0 <= now } ?? false || !fresh
        guard let first = retryFirst ? retries.first : ready.first else { return wait(.none, until: nil) }
        return send(first, retryFirst: retryFirst, isProbe: isProbe, to: 0, at: now)
    }

    /// Items of models that wait are put aside, until one is first that does not.
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

    /// Sends the item that is first, if the limits of the run let it.
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

    /// Sends what all limits let go.
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

    /// Whether the shared limit has given enough for a request in the meantime.
    mutating func takeMoney(for cost: Int) -> Bool {
        guard let limit = shared?.moneyLimit else { return false }
        let given = min(moneyMax, limit)
        budget?.setLimit(given)
        return budget?.allows(cost) ?? true
    }

    private mutating func waitForMoney(_ cost: Int) -> Action {
        guard let budget else { return wait(.budget, until: nil) }
        // Beyond the run's own limit nothing helps.
        var whole = budget
        whole.setLimit(moneyMax)
        let (wanted, overflow) = cost.multipliedReportingOverflow(by: adaptive.limit)
        if let shared, whole.allows(cost), shared.wantMoney(needed: cost, wanted: overflow ? cost : wanted) {
            return wait(.budget, until: nil)
        }
        return waitForBudget(budget.refusal(of: cost))
    }

    /// What is on its way may cost less than was set aside for it; once nothing is, the run ends.
    private mutating func waitForBudget(_ error: RetortError) -> Action {
        guard flights.count == 0, judging.isIdle else { return wait(.budget, until: nil) }
        stop(with: error)
        return .finish
    }

    /// Items that were never sent, and the first of them.
    var readyCount: Int { ready.count }
    var readyFirst: Ticket? { ready.first }

    mutating func wait(_ reason: Hold, until due: Instant?) -> Action {
        // Nothing is left but what the user holds.
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

    /// Everything has ended but for what is held.
    private mutating func end() -> Action {
        guard window.phase == .open, refusals.heldCount > 0 else { return .finish }
        let end = refusals.ended()
        if let error = end.error { stop(with: error) }
        guard !end.failed.isEmpty else { return .finish }
        release(end.failed)
        return .record
    }

    /// Hands on what was held, to be recorded.
    mutating func release(_ settlements: [Settlement]) {
        guard !settlements.isEmpty else { return }
        for settlement in settlements {
            if let cost = settlement.cost, cost > 0 { budget?.recorded(cost) }
        }
        window.recorded(settlements.count)
        released += settlements
    }

    /// Hands on one more result of the reply that has just come.
    mutating func append(released settlement: Settlement) { released.append(settlement) }

    var hasReleased: Bool { !released.isEmpty }

    mutating func takeReleased() -> [Settlement] {
        defer { released = [] }
        return released
    }

    // MARK: What happened

    /// The source handed over tickets, or nil at its end; an error also ends it, and the rest completes.
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

    /// Asks these items, as if they had just come.
    mutating func ask(_ tickets: [Ticket]) { ready.append(tickets) }

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
        fail(with: error)
        window.drain(deadline: nil)
    }

    /// Notes an error; the first one is kept.
    mutating func fail(with error: RetortError) {
        if self.error == nil { self.error = error }
    }
}
