package import Basics
import ModelAPI
package import ResponseGenerator

/// The money and the counts of a run through batches. A value.
package struct BatchBooks {
    /// Without a cap it is kept, too, with room for anything: a later run may have one.
    package private(set) var budget: Budget
    /// Set aside for requests that no batch has yet: a kill leaves nothing of them.
    private var packed = 0
    package var progress = Progress()
    private let start: Instant

    /// - Parameters:
    ///   - limit: nil: no cap.
    ///   - spent: as records say.
    package init(limit: Int?, spent: Int, at now: Instant) {
        budget = Budget(limit: limit ?? .max, spent: spent)
        start = now
    }

    /// What may have been spent beside what records say.
    package var mark: Int { max(0, budget.unrecordedMax - packed) }

    /// Of it what no open batch explains.
    package var uncertain: Int { budget.uncertain }

    package func allows(_ cost: Int) -> Bool { budget.allows(cost) }

    /// Sets aside what a request costs that is being packed.
    package mutating func reserve(_ cost: Int) {
        budget.reserve(cost)
        packed = packed.addingSaturated(cost)
    }

    /// What was packed is a batch.
    package mutating func planned(_ cost: Int) { packed = max(0, packed - cost) }

    /// What was packed is not sent.
    package mutating func discard() {
        budget.settle(reserved: packed, spent: 0)
        packed = 0
    }

    /// What earlier runs may have spent beside records.
    /// - Parameter reserved: what their batches may still cost.
    package mutating func adopt(uncertain: Int, reserved: Int) {
        budget = Budget(limit: budget.limit, spent: budget.spent, uncertain: uncertain)
        budget.resume(reserved: reserved)
    }

    /// A call may have had an effect that nothing will ever tell of.
    package mutating func doubt(_ cost: Int) {
        budget.resume(reserved: cost)
        budget.settle(reserved: cost, spent: nil)
    }

    /// Nil: nobody can tell what it cost.
    package mutating func settle(_ cost: Int, spent: Int?) { budget.settle(reserved: cost, spent: spent) }

    /// An answer was paid for that no record says.
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

    /// The counts as of now.
    package mutating func report(inFlight: Int, waiting: Int, at now: Instant) -> Progress {
        progress.inFlight = inFlight
        progress.waiting = waiting
        progress.elapsed = now - start
        // Results come in bursts: a mean over the run says more than the last seconds.
        progress.itemsPerSecond = Double(progress.done) / max(progress.elapsed.seconds, 0.001)
        progress.hasReached = true
        return progress
    }
}
