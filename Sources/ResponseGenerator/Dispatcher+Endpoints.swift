internal import Basics
internal import ModelAPI

/// Spreads requests over several endpoints. With one endpoint the dispatcher's own breaker, window and limits apply.
extension Dispatcher {
    /// The next request, for the endpoint that the router chooses.
    mutating func dispatchToEndpoint(at now: Instant) -> Action {
        let fresh = readyCount > 0
        guard fresh || !retries.isEmpty else { return wait(.none, until: nil) }
        let due = retries.nextDue
        let isOut = router?.outage != nil
        // If no endpoint serves, a probe does not wait for the backoff of its item.
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

    /// A request returned from one of several endpoints.
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

    /// The item's last request failed as in an outage.
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

    /// Whether the server of the item's last request counts as down.
    func isServerDown(for ticket: Ticket) -> Bool {
        router.map { $0.endpoints[ticket.endpoint].breaker.isOpen } ?? breaker.isOpen
    }

    /// Whether a failed item moves to another endpoint at once. A 429 or a connection failure says nothing about the
    /// item, so it does not count as an attempt; the item tries each endpoint once before it waits as usual.
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

    /// Whether a refusal is due to the endpoint rather than the item. Then another endpoint gets the item, and this one
    /// is excluded once that is certain; not for a model that the item itself names, which says nothing about others.
    /// False if no other endpoint is left.
    mutating func isTakenElsewhere(_ attempt: AttemptResult, _ refusal: Refusal?, _ message: String, at now: Instant)
        -> Bool
    {
        guard router != nil else { return false }
        let ticket = attempt.ticket
        if let refusal, !refusal.isOfEndpoint { return false }
        ticket.avoids |= 1 << UInt64(ticket.endpoint)
        guard router?.hasOther(than: ticket.avoids) == true else {
            ticket.avoids = 0
            return false
        }
        if refusal?.suspect != .model || !ticket.namesModel {
            router?.refused(ticket.endpoint, message, isProven: refusal == nil)
        }
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
    /// Whether the refusal concerns the server, so that another one may accept the same request.
    var isOfEndpoint: Bool {
        switch suspect {
        case .key, .permission, .model, .address, .certificate: true
        case .request, .length, .shape: false
        }
    }
}
