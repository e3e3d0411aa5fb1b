internal import Basics
internal import ModelAPI

extension Dispatcher {
    /// Sends the answer to the verifier, and to the sink as a round that has not been judged.
    mutating func hold(_ attempt: AttemptResult, _ answer: ModelAnswer, at now: Instant) -> Settlement? {
        var failure = attempt.itemFailure(.verifier, "not judged yet")
        failure.answer = answer
        let settlement = round(attempt, failure, isUnjudged: true, at: now)
        attempt.ticket.held = HeldAnswer(answer, latency: attempt.itemLatency)
        judging.append(attempt.ticket)
        return settlement
    }

    /// The verifier judged an item's answer. Returns the results for the sink, in order.
    mutating func judged(_ result: JudgedResult, at now: Instant) -> [Settlement] {
        let ticket = result.ticket
        judging.returned(ticket)
        guard let held = ticket.held else { return [] }
        var results: [OutcomeResult] = []
        switch result.ruling {
        case .accept(let answer, _):
            results = [.answer(answer)]
        case .ask(let next, let opinion):
            results = [.opinion(opinion)]
            if ticket.best.map({ $0.opinion.score < opinion.score }) ?? true {
                ticket.best = RejectedAnswer(held.answer, opinion)
            }
            ticket.ask(next)
            ticket.rejections += 1
            ticket.corrections = 0
            if window.phase == .open { retries.push(ticket, due: now) }
        case .reject(let opinion, let message, let verdict):
            // The round states the answer's cost.
            let failure = ItemFailure(
                .verifier, message, status: 200, body: held.answer.body, answer: held.answer, verdict: verdict)
            results = [.opinion(opinion), .failure(failure)]
        case .unable(let message):
            guard window.phase == .open else { return [] }
            note(message)
            if judging.failed() { stop(with: Self.verifierFails(message)) }
            askTwin(of: ticket)
            return []
        }
        judging.worked()
        ticket.held = nil
        window.recorded(results.count)
        return results.map { Settlement(ticket: ticket, result: $0, latency: held.latency, finishedAt: now) }
    }

    private static func verifierFails(_ message: String) -> RetortError {
        RetortError(
            .incomplete, "the verifier fails", cause: message,
            remedy:
                "The answers are kept in rounds/. Repair the verifier and run the same command again: they are judged "
                + "first, at no cost.")
    }
}
