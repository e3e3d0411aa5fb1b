import ModelAPI
package import ResponseGenerator

extension Item {
    /// Continues from where an earlier run left the item.
    package mutating func resume(_ resumption: PriorRounds.Resumption) {
        priorRounds = resumption.rounds
        guard let next = resumption.request else { return }
        estimatedTokens += TokenEstimate.tokens(bytes: max(0, next.body.count - request.body.count))
        request = next
        priorCorrections = resumption.corrections
        priorRejections = resumption.rejections
        priorAttempts = resumption.attempts
        held = resumption.held
        priorBest = resumption.best
    }
}
