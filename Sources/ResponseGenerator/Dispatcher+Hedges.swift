internal import Basics
internal import ModelAPI

/// Duplicates for stragglers: a request that has been in flight unusually long is sent a second time, and the first of
/// the two answers is the item's.
extension Dispatcher {
    /// A duplicate of the request that has been in flight longest, if it is due and every limit allows it now.
    mutating func hedge(at now: Instant) -> Action? {
        while let straggler = hedging?.straggler(at: now) {
            // A streamed answer that is passed on cannot be taken back, and a shared answer is divided only once.
            guard straggler.request.tap == nil, straggler.group == nil, !straggler.isProbe else {
                hedging?.passOver(straggler)
                continue
            }
            guard let endpoint = endpointOfDuplicate(straggler, at: now), isPaceOpen(for: straggler, at: now) else {
                return nil
            }
            let isTail = isTail
            guard hedging?.takesDuplicate(isTail: isTail) == true else {
                hedging?.passOver(straggler)
                continue
            }
            guard budget?.takes(straggler.costMax) != false || takeMoney(for: straggler.costMax) else {
                hedging?.passOver(straggler)
                continue
            }
            let duplicate = Ticket(
                serial: straggler.serial, request: straggler.request, estimatedTokens: straggler.estimatedTokens,
                costMax: straggler.costMax, price: straggler.price, corrections: straggler.corrections,
                namesModel: straggler.namesModel, duplicateOf: straggler)
            let pair = RequestPair(straggler, duplicate)
            (straggler.pair, duplicate.pair) = (pair, pair)
            hedging?.passOver(straggler)
            return launch(duplicate, isProbe: false, to: endpoint, at: now)
        }
        return nil
    }

    /// The endpoint for a duplicate: another one if possible. Nil if none accepts it.
    private mutating func endpointOfDuplicate(_ straggler: Ticket, at now: Instant) -> Int? {
        guard let router else {
            return breaker.permission(at: now) == .go ? 0 : nil
        }
        let avoided = straggler.avoids | 1 << UInt64(straggler.endpoint)
        switch router.choose(tokens: straggler.estimatedTokens, avoiding: avoided, at: now) {
        case .send(let place, isProbe: false): return place
        case .send: return nil
        case .wait(_, let due):
            if let due { hedging?.hold(until: due) }
            return nil
        }
    }

    private mutating func isPaceOpen(for ticket: Ticket, at now: Instant) -> Bool {
        let due = limiter.ready(tokens: ticket.estimatedTokens, at: now)
        guard due <= now else {
            hedging?.hold(until: due)
            return false
        }
        guard let shared else { return true }
        guard let due = shared.ready(tokens: ticket.estimatedTokens, at: now) else { return false }
        if due > now { hedging?.hold(until: due) }
        return due <= now
    }

    /// An attempt returned, possibly one of two for the same item. Returns the results for the sink, in order.
    mutating func arrived(_ attempt: AttemptResult, at now: Instant) -> [Settlement] {
        guard hedging != nil else { return returned(attempt, at: now).map { [$0] } ?? [] }
        hedging?.returned(attempt, at: now)
        let ticket = attempt.ticket
        guard let pair = ticket.pair else { return takeUp(attempt, at: now) }
        if let winner = pair.winner {
            separate(pair)
            let late = lost(attempt, to: winner, at: now)
            return (late.map { [$0] } ?? []) + takeUp(winner, at: now)
        }
        if attempt.isDecisive {
            pair.winner = attempt
            hedging?.won(ticket, over: pair.other(than: ticket), at: now)
            return []
        }
        // The other one is now the item's only request.
        separate(pair)
        return lost(attempt, to: nil, at: now).map { [$0] } ?? []
    }

    private func separate(_ pair: RequestPair) { (pair.item.pair, pair.duplicate.pair) = (nil, nil) }

    /// Applies the result of an item's only request in flight; a duplicate is treated as the item's own.
    private mutating func takeUp(_ attempt: AttemptResult, at now: Instant) -> [Settlement] {
        var attempt = attempt
        let flight = attempt.ticket
        if let item = flight.duplicateOf {
            attempt.headStart = flight.dispatchedAt - item.dispatchedAt
            flights.replace(flight, by: item)
            (item.endpoint, item.dispatchNumber, item.dispatchedAt) =
                (flight.endpoint, flight.dispatchNumber, flight.dispatchedAt)
            attempt.ticket = item
        }
        return returned(attempt, at: now).map { [$0] } ?? []
    }

    /// One of two requests brought nothing for its item. Its cost is booked as usual; a billed answer is recorded as a
    /// round.
    ///
    /// - Parameter winner: the attempt whose answer the item uses; nil: it is still in flight.
    private mutating func lost(_ attempt: AttemptResult, to winner: AttemptResult?, at now: Instant) -> Settlement? {
        let flight = attempt.ticket
        flights.remove(flight)
        let cost = attempt.cost
        budget?.settle(reserved: flight.costMax, spent: cost)
        noteReply(attempt, at: now)
        if attempt.reply != nil { serverReplied(to: flight) }
        hedging?.lost(
            isLate: winner != nil && attempt.isBilledReply, cost: cost,
            worst: flight.costMax > 0 ? flight.costMax : winner?.cost ?? 0)
        var ofItem = attempt
        ofItem.ticket = flight.duplicateOf ?? flight
        var failure: ItemFailure
        var isAnswer = false
        switch attempt.verdict {
        case .answer(let answer):
            settlePace(attempt, at: now)
            failure = ofItem.itemFailure(.invalidOutput, "another answer to the same request came first")
            failure.answer = answer
            isAnswer = true
        case .fail(let failureClass, let message), .ask(_, let failureClass, let message),
            .retry(let failureClass, let message, _):
            if winner == nil { note(message) }
            failure = ofItem.itemFailure(failureClass, message)
        case .refuse, .stop, .cancelled:
            window.released()
            leaveUnrecorded(attempt)
            return nil
        }
        guard attempt.isBilledReply else {
            window.released()
            return nil
        }
        var settlement = round(ofItem, failure, isDuplicate: isAnswer, at: now)
        settlement?.endpoint = flight.endpoint
        return settlement
    }
}

extension AttemptResult {
    /// Whether the server's reply is final, so that another attempt would not help.
    var isDecisive: Bool {
        switch verdict {
        case .answer, .fail, .ask: true
        case .refuse, .stop, .retry, .cancelled: false
        }
    }
}
