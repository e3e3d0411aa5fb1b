internal import Basics
internal import ModelAPI

/// How requests are spread over several endpoints. With one endpoint the dispatcher's own breaker, window and limits do.
extension Dispatcher {
    /// The next request, to the endpoint that the router chooses.
    mutating func dispatchToEndpoint(at now: Instant) -> Action {
        let fresh = readyCount > 0
        guard fresh || !retries.isEmpty else { return wait(.none, until: nil) }
        let due = retries.nextDue
        let isOut = router?.outage != nil
        // A probe does not wait for the backoff of the item it happens to carry, where no endpoint serves.
        if !fresh, !isOut, let due, due > now { return wait(.none, until: due) }
        let retryFirst = due.map { $0 <= now } ?? false || !fresh
        guard let first = retryFirst ? retries.first : readyFirst else { return wait(.none, until: nil) }
        let choice = router?.choose(tokens: first.estimatedTokens, avoiding: first.avoids, at: now)
        switch choice ?? .wait(.none, until: nil) {
        case .wait(let reason, let until): return wait(reason, until: until)
        case .send(let place, let isProbe):
            return send(first, retryFirst: retryFirst, isProbe: isProbe, to: place, at: now)
        }
    }

    /// A request came back from one of several endpoints.
    mutating func returnedFromEndpoint(_ attempt: AttemptResult, at now: Instant) {
        let ticket = attempt.ticket
        let place = ticket.endpoint
        router?.returned(place)
        if let reply = attempt.reply {
            router?.replied(
                place, dispatch: ticket.dispatchNumber, isRefused: attempt.isRefusedForLoad, latency: attempt.latency)
            if let limits = RateLimitReport(reply) { router?.update(place) { $0.limiter.learn(limits, at: now) } }
        }
        if case .cancelled = attempt.verdict { return }
        let verdict = attempt.verdict
        let isRateLimited = attempt.reply?.status == 429
        router?.update(place) { endpoint in
            endpoint.counts.requests += 1
            switch verdict {
            case .answer(let answer):
                endpoint.counts.answers += 1
                endpoint.counts.latency = endpoint.counts.latency + attempt.latency
                endpoint.counts.completionTokens = endpoint.counts.completionTokens.addingSaturated(
                    (attempt.judgement.bill?.usage ?? answer.usage).completion)
                endpoint.counts.lastError = ""
                endpoint.refusals = 0
                if attempt.tokens > 0 {
                    endpoint.limiter.settle(reserved: ticket.estimatedTokens, used: attempt.tokens, at: now)
                }
            case .ask, .cancelled: break
            case .fail(_, let message): endpoint.failed(message, isRateLimited)
            case .refuse(let refusal): endpoint.failed(refusal.message, isRateLimited)
            case .stop(let error): endpoint.failed(error.cause ?? error.message, isRateLimited)
            case .retry(_, let message, _): endpoint.failed(message, isRateLimited)
            }
        }
    }

    /// The server of the item's last request is alive.
    mutating func serverReplied(to ticket: Ticket) {
        guard router != nil else { return breaker.replied() }
        router?.update(ticket.endpoint) { $0.breaker.replied() }
    }

    /// The item's last request failed as it would in an outage.
    mutating func serverFailed(
        _ trouble: CircuitBreaker.Trouble, _ ticket: Ticket, wasProbe: Bool, hint: Interval?, isHopeless: Bool,
        at now: Instant
    ) {
        guard router != nil else {
            breaker.failed(
                trouble, item: ticket.serial, wasProbe: wasProbe, hint: hint, isHopeless: isHopeless, at: now)
            return
        }
        router?.update(ticket.endpoint) {
            $0.breaker.failed(
                trouble, item: ticket.serial, wasProbe: wasProbe, hint: hint, isHopeless: isHopeless, at: now)
        }
    }

    mutating func probeCancelled(_ ticket: Ticket, at now: Instant) {
        guard router != nil else { return breaker.probeCancelled(at: now) }
        router?.update(ticket.endpoint) { $0.breaker.probeCancelled(at: now) }
    }

    /// Whether the server of the item's last request is taken for down.
    func isServerDown(for ticket: Ticket) -> Bool {
        router.map { $0.endpoints[ticket.endpoint].breaker.isOpen } ?? breaker.isOpen
    }

    /// Whether a failed item goes to another endpoint at once. What an endpoint refuses for its rate or cannot be reached
    /// for says nothing of the item, so it counts as no attempt; each endpoint gets it once before it waits as usual.
    mutating func movesOn(
        _ ticket: Ticket, _ failureClass: FailureClass, _ hint: Interval?, at now: Instant
    ) -> Bool {
        guard router != nil else { return false }
        ticket.avoids |= 1 << UInt64(ticket.endpoint)
        if failureClass == .rateLimited { router?.refusedForRate(ticket.endpoint, hint: hint, at: now) }
        guard router?.hasOther(than: ticket.avoids) == true else {
            ticket.avoids = 0
            return false
        }
        return failureClass == .rateLimited || failureClass == .connection
    }

    /// Whether a refusal is the endpoint's affair, not the item's: another endpoint gets the item, and this one nothing more
    /// once that is certain. False where no other endpoint is left.
    mutating func isTakenElsewhere(_ attempt: AttemptResult, _ refusal: Refusal?, _ message: String, at now: Instant)
        -> Bool
    {
        guard router != nil else { return false }
        let ticket = attempt.ticket
        if let refusal, !refusal.isOfEndpoint || refusal.suspect == .model && ticket.namesModel { return false }
        ticket.avoids |= 1 << UInt64(ticket.endpoint)
        guard router?.hasOther(than: ticket.avoids) == true else {
            ticket.avoids = 0
            return false
        }
        router?.refused(ticket.endpoint, message, isProven: refusal == nil)
        window.released()
        leaveUnrecorded(attempt)
        if window.phase == .open { retries.push(ticket, due: now) }
        return true
    }
}

extension EndpointRouter.Endpoint {
    fileprivate mutating func failed(_ message: String, _ isRateLimited: Bool) {
        if isRateLimited { counts.rateLimited += 1 } else { counts.failures += 1 }
        counts.lastError = message
    }
}

extension Refusal {
    /// Whether what is refused belongs to the server, so that another one may take the same request.
    var isOfEndpoint: Bool {
        switch suspect {
        case .key, .permission, .model, .address, .certificate: true
        case .request, .length, .shape: false
        }
    }
}
