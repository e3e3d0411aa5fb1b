package import Basics
import ModelAPI
package import ResponseGenerator

/// The spending and the counts of a run through batches. A value.
package struct BatchBooks {
    /// Kept even without a cap, because a later run may have one.
    package private(set) var budget: Budget
    /// Reserved for requests that are not in a batch yet; nothing of them remains after a kill.
    private var packed = 0
    package var progress = Progress()
    private let start: Instant

    /// - Parameters:
    ///   - limit: nil: no cap.
    ///   - spent: according to the records.
    package init(limit: Int?, spent: Int, at now: Instant) {
        budget = Budget(limit: limit ?? .max, spent: spent)
        start = now
    }

    /// What may have been spent in addition to what records state.
    package var mark: Int { max(0, budget.unrecordedMax - packed) }

    /// The part of the mark that no open batch explains.
    package var uncertain: Int { budget.uncertain }

    package func allows(_ cost: Int) -> Bool { budget.allows(cost) }

    /// Reserves the cost of a request that is being packed.
    package mutating func reserve(_ cost: Int) {
        budget.reserve(cost)
        packed = packed.addingSaturated(cost)
    }

    /// The packed requests have become a batch.
    package mutating func planned(_ cost: Int) { packed = max(0, packed - cost) }

    /// The packed requests will not be sent.
    package mutating func discard() {
        budget.settle(reserved: packed, spent: 0)
        packed = 0
    }

    /// Takes over what earlier runs may have spent without records.
    /// - Parameter reserved: the maximum cost of their open batches.
    package mutating func adopt(uncertain: Int, reserved: Int) {
        budget = Budget(limit: budget.limit, spent: budget.spent, uncertain: uncertain)
        budget.resume(reserved: reserved)
    }

    /// Counts a call that may have had an effect that cannot be found out.
    package mutating func doubt(_ cost: Int) {
        budget.resume(reserved: cost)
        budget.settle(reserved: cost, spent: nil)
    }

    /// - Parameter spent: nil: unknown.
    package mutating func settle(_ cost: Int, spent: Int?) { budget.settle(reserved: cost, spent: spent) }

    /// Counts the cost of an answer that no record states.
    package mutating func unrecorded(_ cost: Int) { budget.unrecorded(cost) }

    package func refusal(of cost: Int) -> RetortError { budget.refusal(of: cost) }

    package mutating func count(_ result: OutcomeResult) {
        switch result {
        case .answer(let answer): progress.count(answer)
        case .failure(let failure): progress.count(failure)
        case .round: progress.rounds += 1
        case .opinion: break
        }
    }

    /// The current counts.
    package mutating func report(inFlight: Int, waiting: Int, at now: Instant) -> Progress {
        progress.inFlight = inFlight
        progress.waiting = waiting
        progress.elapsed = now - start
        // Results arrive in bursts, so the mean over the run says more than the rate of the last seconds.
        progress.itemsPerSecond = Double(progress.done) / max(progress.elapsed.seconds, 0.001)
        progress.hasReached = true
        return progress
    }
}
