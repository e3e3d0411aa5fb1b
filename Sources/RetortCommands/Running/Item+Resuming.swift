import ModelAPI
import ResponseGenerator

extension Item {
    /// Goes on where an earlier run left the item.
    mutating func resume(_ resumption: PriorRounds.Resumption) {
        let grown = max(0, resumption.request.body.count - request.body.count)
        estimatedTokens += TokenEstimate.tokens(bytes: grown)
        request = resumption.request
        priorRounds = resumption.rounds
        priorCorrections = resumption.corrections
        priorRejections = resumption.rejections
        priorAttempts = resumption.attempts
        held = resumption.held
        priorBest = resumption.best
    }
}
