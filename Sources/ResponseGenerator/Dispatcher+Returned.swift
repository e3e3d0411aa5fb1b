internal import Basics
internal import ModelAPI

extension Dispatcher {
    private static let pacedTokensLeast = 1 << 18
    private static let pacedPerEstimated = 8

    /// Maximum tokens per answer that count towards the rate: a false token count must not delay a run for days.
    private static func pacedTokens(max estimated: Int) -> Int {
        max(pacedTokensLeast, min(estimated, Int.max / pacedPerEstimated) * pacedPerEstimated)
    }

    /// An attempt returned. Returns the results for the sink; nil if there is nothing to record.
    mutating func returned(_ attempt: AttemptResult, at now: Instant) -> Settlement? {
        let ticket = attempt.ticket
        let wasProbe = ticket.isProbe
        ticket.isProbe = false
        flights.remove(ticket)
        budget?.settle(reserved: ticket.costMax, spent: attempt.cost)
        noteReply(attempt, at: now)
        if let parts = attempt.parts {
            ticket.attempts += 1
            divided(attempt, parts, at: now)
            return nil
        }
        switch attempt.verdict {
        case .answer(let answer):
            serverReplied(to: ticket)
            succeeded()
            ticket.attempts += 1
            settlePace(attempt, at: now)
            if judging.isOn { return hold(attempt, answer, at: now) }
            return settle(attempt, .answer(answer), at: now)
        case .fail(let failureClass, let message):
            serverReplied(to: ticket)
            note(message)
            if attempt.isUnderSuccess { succeeded() }
            ticket.attempts += 1
            return settle(attempt, attempt.failure(failureClass, message), at: now)
        case .ask(let next, let failureClass, let message):
            serverReplied(to: ticket)
            succeeded()
            ticket.attempts += 1
            return ask(attempt, next, failureClass, message, at: now)
        case .refuse(let refusal):
            serverReplied(to: ticket)
            note(refusal.message)
            if isTakenElsewhere(attempt, refusal, refusal.message, at: now) { return nil }
            return refused(attempt, refusal, wasProbe, at: now)
        case .stop(let error):
            serverReplied(to: ticket)
            note(error.cause ?? error.message)
            if isTakenElsewhere(attempt, nil, error.cause ?? error.message, at: now) { return nil }
            if refusalsAreOutcomes {
                ticket.attempts += 1
                let failureClass = attempt.reply?.status == 429 ? FailureClass.rateLimited : .auth
                return settle(attempt, attempt.failure(failureClass, error.cause ?? error.message), at: now)
            }
            window.released()
            leaveUnrecorded(attempt)
            stop(with: error)
            return nil
        case .retry(let failureClass, let message, let hint):
            if failureClass == .rateLimited { shared?.refused(pause: hint ?? .zero) }
            return retry(attempt, failureClass, message, hint, wasProbe, at: now)
        case .cancelled:
            if wasProbe { probeCancelled(ticket, at: now) }
            if window.phase == .open { return retry(attempt, .connection, "cancelled", nil, wasProbe, at: now) }
            window.released()
            return nil
        }
    }

    /// Settles the tokens of the answer with the rate limits.
    mutating func settlePace(_ attempt: AttemptResult, at now: Instant) {
        let (reserved, total) = (attempt.ticket.estimatedTokens, attempt.tokens)
        guard total > 0 else { return }
        let used = min(total, Self.pacedTokens(max: reserved))
        limiter.settle(reserved: reserved, used: used, at: now)
        shared?.settle(reserved: reserved, used: used)
    }

    /// Notes what a reply shows about its server and rates, whatever it means for the item.
    mutating func noteReply(_ attempt: AttemptResult, at now: Instant) {
        if let reply = attempt.reply {
            hasReached = true
            if router == nil {
                if let limits = RateLimitReport(reply) { limiter.learn(limits, at: now) }
                adaptive.returned(
                    attempt.ticket.dispatchNumber, refused: attempt.isRefusedForLoad, latency: attempt.latency)
            }
        }
        if router != nil { returnedFromEndpoint(attempt, at: now) }
    }

    /// The item stays pending, or waits: no record states the cost of its answer.
    mutating func leaveUnrecorded(_ attempt: AttemptResult) {
        if let cost = attempt.cost, cost > 0 { budget?.unrecorded(cost) }
    }

    /// The answer becomes a round of the item, which continues with another request.
    mutating func ask(
        _ attempt: AttemptResult, _ next: ModelRequest, _ failureClass: FailureClass, _ message: String,
        at now: Instant
    ) -> Settlement? {
        let settlement = round(attempt, attempt.itemFailure(failureClass, message), at: now)
        attempt.ticket.ask(next)
        attempt.ticket.corrections += 1
        if window.phase == .open { retries.push(attempt.ticket, due: now) }
        return settlement
    }

    /// A billed answer that is not an outcome.
    mutating func round(
        _ attempt: AttemptResult, _ failure: ItemFailure, isUnjudged: Bool = false, isDuplicate: Bool = false,
        at now: Instant
    ) -> Settlement? {
        let ticket = attempt.ticket
        guard ticket.group == nil else {
            roundTogether(attempt, failure, at: now)
            return nil
        }
        ticket.rounds.count += 1
        ticket.rounds.nanodollars = ticket.rounds.nanodollars.addingSaturated(attempt.cost ?? 0)
        guard keepsRounds else {
            window.released()
            leaveUnrecorded(attempt)
            return nil
        }
        window.received()
        var round = ItemRound(
            number: ticket.rounds.count, request: ticket.request, corrections: ticket.corrections,
            rejections: ticket.rejections, isUnjudged: isUnjudged, failure: failure)
        round.isDuplicate = isDuplicate
        return Settlement(
            ticket: ticket, result: .round(round), latency: attempt.itemLatency, finishedAt: now)
    }

    /// A request succeeded, so requests can succeed.
    mutating func succeeded() {
        if lastError != nil { lastError = nil }
        release(refusals.worked())
    }

    mutating func note(_ message: String) {
        errors.note(message)
        lastError = message
    }

    private mutating func refused(
        _ attempt: AttemptResult, _ refusal: Refusal, _ wasProbe: Bool, at now: Instant
    ) -> Settlement? {
        let ticket = attempt.ticket
        if refusalsAreOutcomes, refusal.suspect != .certificate {
            ticket.attempts += 1
            return settle(attempt, attempt.failure(refusal.failureClass, refusal.message), at: now)
        }
        if parts(ticket, on: refusal) {
            ticket.attempts += 1
            return settle(attempt, attempt.failure(refusal.failureClass, refusal.message), at: now)
        }
        let fate = refusals.refused(refusal, status: attempt.reply?.status ?? 0, namesModel: ticket.namesModel)
        let result = attempt.failure(refusal.failureClass, refusal.message)
        switch fate {
        case .settle:
            ticket.attempts += 1
            return settle(attempt, result, at: now)
        case .hold:
            ticket.attempts += 1
            window.released()
            leaveUnrecorded(attempt)
            let failure = attempt.itemFailure(refusal.failureClass, refusal.message)
            for settlement in Self.held(attempt, failure, at: now) {
                refusals.hold(settlement, refusal.suspect, namesModel: ticket.namesModel)
            }
            askTwin(of: ticket)
            return nil
        case .retry:
            return retry(attempt, refusal.failureClass, refusal.message, nil, wasProbe, at: now)
        case .stop:
            window.released()
            leaveUnrecorded(attempt)
            stop(with: refusal.error)
            return nil
        }
    }

    mutating func settle(_ attempt: AttemptResult, _ result: OutcomeResult, at now: Instant) -> Settlement? {
        if attempt.ticket.group != nil, case .failure(let failure) = result {
            failedTogether(attempt, failure, at: now)
            return nil
        }
        window.received()
        return Settlement(
            ticket: attempt.ticket, result: result, latency: attempt.itemLatency, finishedAt: now,
            firstToken: attempt.reply?.firstToken.map { attempt.headStart + $0 })
    }

    private mutating func retry(
        _ attempt: AttemptResult, _ failureClass: FailureClass, _ message: String, _ hint: Interval?,
        _ wasProbe: Bool, at now: Instant
    ) -> Settlement? {
        let ticket = attempt.ticket
        note(message)
        if let trouble = trouble(of: attempt, failureClass) {
            serverFailed(
                trouble, ticket, wasProbe: wasProbe, hint: hint, isHopeless: isHopeless(attempt.failure), at: now)
        } else {
            serverReplied(to: ticket)
        }
        let movesOn = movesOn(ticket, failureClass, hint, at: now)
        if !isServerDown(for: ticket) {
            ticket.attempts += 1
            if failureClass == .rateLimited { ticket.refusals += 1 }
            if movesOn { ticket.moved(refused: failureClass == .rateLimited) }
        }
        if isSpent(ticket) {
            if attempt.isUnreadable {
                let refusal = Refusal(.shape, failureClass, message)
                _ = refusals.refused(refusal, status: attempt.reply?.status ?? 0, namesModel: ticket.namesModel)
            }
            return settle(attempt, attempt.failure(failureClass, message), at: now)
        }
        var settlement: Settlement?
        if attempt.isBilledReply {
            settlement = round(attempt, attempt.itemFailure(failureClass, message), at: now)
        } else {
            window.released()
        }
        guard window.phase == .open else { return settlement }
        wait(ticket, after: failureClass, until: movesOn ? now : due(ticket, hint, wasProbe, at: now))
        return settlement
    }

    /// Schedules the item's next attempt.
    mutating func wait(_ ticket: Ticket, after failureClass: FailureClass, until due: Instant) {
        ticket.waitsAfter = failureClass
        waitingByClass[failureClass, default: 0] += 1
        retries.push(ticket, due: due)
    }

    /// When the item is sent again. A failed probe is also the next probe, so that a server that fails each item a few
    /// times does not see all of them first; but only a few times, since the item may be the cause.
    private mutating func due(_ ticket: Ticket, _ hint: Interval?, _ wasProbe: Bool, at now: Instant) -> Instant {
        if wasProbe, isServerDown(for: ticket), ticket.probes < Self.probesInRowMax {
            ticket.probes += 1
            return Instant(nanoseconds: 0)
        }
        ticket.probes = 0
        return now + backoff.delay(attempt: max(1, ticket.attempts), hint: hint)
    }

    /// Maximum consecutive further probes with one item.
    static let probesInRowMax = 3

    /// The kind of outage that the failure suggests; nil if it shows that the server is working, as a truncated or
    /// unreadable answer does.
    private func trouble(of attempt: AttemptResult, _ failureClass: FailureClass) -> CircuitBreaker.Trouble? {
        if attempt.isUnreadable, hasReached || attempt.failure?.kind != .malformed { return nil }
        return switch failureClass {
        case .connection: .connection
        case .rateLimited: .refusal
        default: .server
        }
    }

    /// Whether the item has used up its attempts. A 429 says little about the item, so several are allowed for each
    /// retry; but not without end, since a request above the account's limit is always refused.
    private func isSpent(_ ticket: Ticket) -> Bool {
        ticket.attempts - ticket.refusals - ticket.movesAfterFailure >= attemptsMax
            || ticket.refusals - ticket.movesAfterRefusal > Self.refusalsPerRetry * (attemptsMax - 1)
    }

    /// Number of 429s that count as one retry.
    static let refusalsPerRetry = 4
}

extension AttemptResult {
    /// Whether the status asks for fewer requests.
    var isRefusedForLoad: Bool { reply.map { $0.status == 429 || $0.status == 503 || $0.status == 529 } ?? false }

    /// Whether the status is a success.
    var isUnderSuccess: Bool { reply.map { $0.status / 100 == 2 } ?? false }

    /// Whether the answer was truncated or unreadable.
    var isUnreadable: Bool {
        if let failure {
            return failure.kind == .malformed || failure.stage == .answering && failure.kind == .connection
        }
        if case .retry(.rateLimited, _, _) = verdict { return false }
        // An error under a successful status says that the server has trouble, as a 5xx does.
        return isUnderSuccess && isBilledReply
    }

    /// Whether a reply arrived that was, or may have been, billed.
    var isBilledReply: Bool { reply != nil && judgement.bill != nil }

    /// The tokens of its reply.
    var tokens: Int {
        if case .answer(let answer) = verdict, parts == nil { return answer.usage.total }
        return judgement.bill?.usage.total ?? 0
    }

    /// The attempt's cost in nanodollars; nil if unknown, so that the worst case must be assumed.
    var cost: Int? {
        if case .cancelled = verdict, failure?.stage != .unconnected { return nil }
        guard let bill = judgement.bill else { return 0 }
        return bill.nanodollars(at: ticket.price)
    }

    func failure(_ failureClass: FailureClass, _ message: String) -> OutcomeResult {
        .failure(itemFailure(failureClass, message))
    }

    func itemFailure(_ failureClass: FailureClass, _ message: String) -> ItemFailure {
        let body = reply?.body ?? self.failure?.received ?? []
        // A paid answer is kept whole: another check may accept it.
        let limit =
            (failureClass == .invalidOutput || failureClass == .verifier) && isUnderSuccess
            ? Int.max : ItemFailure.bodyBytesMax
        let kept = body.count <= limit ? body : Array(body.prefix(limit))
        return ItemFailure(
            failureClass, message, status: reply?.status ?? 0, body: kept, answer: judgement.rejected,
            bill: isBilledReply ? judgement.bill : nil)
    }
}
