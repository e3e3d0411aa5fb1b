import ModelAPI
package import ResponseGenerator

extension Item {
    /// Continues from where an earlier run left the item.
    package mutating func resume(_ resumption: PriorRounds.Resumption) {
        guard let next = resumption.request else {
            if resumption.rounds.count > 0 { history = ItemHistory(rounds: resumption.rounds) }
            return
        }
        estimatedTokens += TokenEstimate.tokens(bytes: max(0, next.body.count - request.body.count))
        request = next
        priorAttempts = resumption.attempts
        history = ItemHistory(
            rounds: resumption.rounds, corrections: resumption.corrections, rejections: resumption.rejections,
            held: resumption.held, best: resumption.best)
    }
}
