internal import Basics
internal import ModelAPI

/// Items that share a request. Until its reply arrives the request is one ticket; after that each item is handled
/// alone.
extension Dispatcher {
    /// The reply has arrived and was divided.
    mutating func divided(_ attempt: AttemptResult, _ parts: [PartResult], at now: Instant) {
        let ticket = attempt.ticket
        guard let group = ticket.group, let members = part(ticket) else { return }
        serverReplied(to: ticket)
        succeeded()
        settlePace(attempt, at: now)
        for (member, part) in zip(members, parts) {
            let own = AttemptResult(
                ticket: member, judgement: part.judgement, reply: part.reply, latency: attempt.latency)
            if let settlement = concluded(own, partsOnFailure: group.shared.partsOnFailure, at: now) {
                append(released: settlement)
            }
        }
    }

    /// The request has no answer and gets none: each item has failed, or is sent alone.
    mutating func failedTogether(_ attempt: AttemptResult, _ failure: ItemFailure, at now: Instant) {
        guard let group = attempt.ticket.group, let members = part(attempt.ticket) else { return }
        for (member, failure) in zip(members, Self.shares(of: failure, members.count)) {
            let own = attempt.of(member, failure.bill)
            if group.shared.partsOnFailure {
                if let settlement = alone(own, failure, at: now) { append(released: settlement) }
            } else {
                window.received()
                append(
                    released: Settlement(
                        ticket: member, result: .failure(failure), latency: attempt.latency, finishedAt: now))
            }
        }
    }

    /// The reply was billed and is not an answer; the request is sent again.
    mutating func roundTogether(_ attempt: AttemptResult, _ failure: ItemFailure, at now: Instant) {
        guard let group = attempt.ticket.group else { return }
        window.divided(into: group.members.count)
        for (member, failure) in zip(group.members, Self.shares(of: failure, group.members.count)) {
            member.joinAttempts(of: attempt.ticket)
            if let settlement = round(attempt.of(member, failure.bill), failure, at: now) {
                append(released: settlement)
            }
        }
    }

    /// Settlements to hold for a refused request until more is known: one per item.
    static func held(_ attempt: AttemptResult, _ failure: ItemFailure, at now: Instant) -> [Settlement] {
        guard let group = attempt.ticket.group else {
            return [
                Settlement(
                    ticket: attempt.ticket, result: .failure(failure), latency: attempt.latency, finishedAt: now)
            ]
        }
        return zip(group.members, shares(of: failure, group.members.count)).map { member, failure in
            member.joinAttempts(of: attempt.ticket)
            return Settlement(ticket: member, result: .failure(failure), latency: attempt.latency, finishedAt: now)
        }
    }

    /// Whether to send the items one by one after a refusal, which may concern one of them or all together.
    func parts(_ ticket: Ticket, on refusal: Refusal) -> Bool {
        guard ticket.group?.shared.partsOnFailure == true else { return false }
        return switch refusal.suspect {
        case .request, .length, .shape: true
        default: false
        }
    }

    /// Separates the items; each counts as in flight for the moment.
    private mutating func part(_ ticket: Ticket) -> [Ticket]? {
        guard let group = ticket.group else { return nil }
        window.divided(into: group.members.count)
        for member in group.members {
            member.priorAttempts += ticket.priorAttempts + ticket.attempts
            member.attemptsInGroup = 0
            member.endpoint = ticket.endpoint
        }
        return group.members
    }

    /// The result of one item's part of a reply.
    private mutating func concluded(_ attempt: AttemptResult, partsOnFailure: Bool, at now: Instant) -> Settlement? {
        switch attempt.verdict {
        case .answer(let answer):
            return judging.isOn ? hold(attempt, answer, at: now) : settle(attempt, .answer(answer), at: now)
        case .fail(.invalidOutput, let message) where partsOnFailure:
            return alone(attempt, attempt.itemFailure(.invalidOutput, message), at: now)
        case .fail(let failureClass, let message):
            note(message)
            return settle(attempt, attempt.failure(failureClass, message), at: now)
        case .ask(let next, let failureClass, let message):
            return ask(attempt, next, failureClass, message, at: now)
        case .refuse(let refusal):
            note(refusal.message)
            return settle(attempt, attempt.failure(refusal.failureClass, refusal.message), at: now)
        case .retry(let failureClass, let message, _):
            return alone(attempt, attempt.itemFailure(failureClass, message), at: now)
        // Alone it will meet the same error, which then belongs to it for certain.
        case .stop(let error):
            return alone(attempt, attempt.itemFailure(.server, error.cause ?? error.message), at: now)
        case .cancelled: return alone(attempt, attempt.itemFailure(.connection, "cancelled"), at: now)
        }
    }

    /// The item is sent alone; its cost so far is recorded in a round.
    private mutating func alone(_ attempt: AttemptResult, _ failure: ItemFailure, at now: Instant) -> Settlement? {
        note(failure.message)
        var settlement: Settlement?
        if failure.bill != nil {
            settlement = round(attempt, failure, at: now)
        } else {
            window.released()
        }
        if window.phase == .open { wait(attempt.ticket, after: failure.failureClass, until: now) }
        return settlement
    }

    private static func shares(of failure: ItemFailure, _ count: Int) -> [ItemFailure] {
        let bills = failure.bill?.divided(into: count)
        return (0..<count).map { place in
            var share = failure
            share.bill = bills?[place]
            return share
        }
    }
}

extension AttemptResult {
    /// The result for one of the items.
    fileprivate func of(_ member: Ticket, _ bill: Bill?) -> AttemptResult {
        AttemptResult(
            ticket: member, judgement: Judgement(verdict: verdict, rejected: judgement.rejected, bill: bill),
            reply: reply, failure: failure, latency: latency)
    }
}
