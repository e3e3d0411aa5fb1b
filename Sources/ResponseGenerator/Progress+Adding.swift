import Basics
import ModelAPI

extension Progress {
    /// The progress of a later generator over the same items, with what this one has counted. The state (window, waits,
    /// trouble) is the later one's.
    public func adding(_ later: Progress) -> Progress {
        var sum = later
        sum.answered += answered
        sum.failed += failed
        sum.reused += reused
        sum.truncated += truncated
        sum.rounds += rounds
        sum.judged += judged
        sum.passed += passed
        sum.verifierFailures += verifierFailures
        sum.empty += empty
        sum.requests += requests
        sum.unconnected += unconnected
        sum.rateLimited += rateLimited
        sum.savedNanodollars += savedNanodollars
        sum.passedInRound.merge(passedInRound) { $0 + $1 }
        sum.valuesFound.merge(valuesFound) { $0 + $1 }
        sum.retries.merge(retries) { $0 + $1 }
        sum.failures.merge(failures) { $0 + $1 }
        sum.usage += usage
        sum.firstTokens = firstTokens.joined(with: later.firstTokens)
        sum.elapsed = sum.elapsed + elapsed
        if sum.errors.isEmpty { sum.errors = errors }
        if sum.endpoints.isEmpty { sum.endpoints = endpoints }
        sum.hedges = sum.hedges ?? hedges
        sum.verifierTrouble = sum.verifierTrouble ?? verifierTrouble
        return sum
    }
}
