internal import Basics
internal import ModelAPI

extension Dispatcher {
    /// Results for items that wait for an equal request: an answer is theirs too, at no cost; after a failure the next
    /// of them is sent.
    mutating func answersOfTwins(_ settlements: [Settlement], at now: Instant) -> [Settlement] {
        var more: [Settlement] = []
        for settlement in settlements {
            guard let key = settlement.ticket.reuseKey else { continue }
            switch settlement.result {
            case .answer(let answer):
                let tickets = twins?.answered(key, answer) ?? []
                guard !tickets.isEmpty else { continue }
                let shared = answer.reused(from: answer.reusedFrom ?? Twins.place)
                more += tickets.map {
                    Settlement(ticket: $0, result: .answer(shared), latency: .zero, finishedAt: now)
                }
            case .failure: askTwin(of: settlement.ticket)
            case .round, .opinion: continue
            }
        }
        window.recorded(more.count)
        return more
    }

    /// The item has no answer for now: one that waits for it is sent.
    mutating func askTwin(of ticket: Ticket) {
        guard let key = ticket.reuseKey else { return }
        // If `RefusalWatch` holds it, it fails later; another item has taken its place by then.
        ticket.reuseKey = nil
        guard let next = twins?.gaveUp(key) else { return }
        ask([next])
    }

    /// A known answer was read, or could not be.
    mutating func recalled(_ ticket: Ticket, _ answer: ModelAnswer?, at now: Instant) -> Settlement? {
        twins?.recalled()
        guard let answer else {
            ask([ticket])
            return nil
        }
        window.recorded(1)
        return Settlement(ticket: ticket, result: .answer(answer), latency: .zero, finishedAt: now)
    }
}
