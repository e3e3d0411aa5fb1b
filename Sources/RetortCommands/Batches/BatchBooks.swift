import Basics
import ModelAPI
import ResponseGenerator

/// The money and the counts of a run through batches. A value.
struct BatchBooks {
    /// Nil without a cap.
    private(set) var budget: Budget?
    var progress = Progress()
    private let start: Instant

    init(_ budget: Budget?, at now: Instant) {
        self.budget = budget
        start = now
    }

    /// What may have been spent beside what records say; nil without a cap.
    var mark: Int? { budget?.unrecordedMax }

    /// Of it what no open batch explains.
    var uncertain: Int { budget?.uncertain ?? 0 }

    func allows(_ cost: Int) -> Bool { budget?.allows(cost) ?? true }

    mutating func reserve(_ cost: Int) { budget?.reserve(cost) }

    /// What batches of earlier runs may still cost.
    mutating func resume(_ cost: Int) { budget?.resume(reserved: cost) }

    /// Nil: nobody can tell what it cost.
    mutating func settle(_ cost: Int, spent: Int?) { budget?.settle(reserved: cost, spent: spent) }

    /// An answer was paid for that no record says.
    mutating func unrecorded(_ cost: Int) { budget?.unrecorded(cost) }

    func refusal(of cost: Int) -> RetortError? { budget?.refusal(of: cost) }

    mutating func count(_ result: OutcomeResult) {
        switch result {
        case .answer(let answer): progress.count(answer)
        case .failure(let failure): progress.count(failure)
        case .round: progress.rounds += 1
        case .opinion: break
        }
    }

    /// The counts as of now.
    mutating func report(inFlight: Int, waiting: Int, at now: Instant) -> Progress {
        progress.inFlight = inFlight
        progress.waiting = waiting
        progress.elapsed = now - start
        // Results come in bursts: a mean over the run says more than the last seconds.
        progress.itemsPerSecond = Double(progress.done) / max(progress.elapsed.seconds, 0.001)
        progress.hasReached = true
        return progress
    }
}
