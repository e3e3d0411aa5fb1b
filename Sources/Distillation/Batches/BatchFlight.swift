package import Basics
package import BatchDelivery

/// A batch that this run processes.
package final class BatchFlight {
    package let number: Int
    package let plan: BatchPlan
    package var machine: BatchMachine
    package var action: BatchMachine.Action
    /// When its wait ends.
    package var due: Instant?
    /// Number of its requests without an outcome.
    package var pending: Int
    package var isOver = false
    /// The maximum additional cost in nanodollars, if its requests are also sent live.
    package var overtaken: Int?
    /// What was downloaded for the current action.
    package var fetched: FetchedResults?
    /// Cost of its answers to rows that were also answered live.
    package var twice = 0

    package init(_ number: Int, _ plan: BatchPlan, _ machine: BatchMachine, pending: Int) {
        var machine = machine
        self.number = number
        self.plan = plan
        self.pending = pending
        action = machine.begin()
        self.machine = machine
    }

    package var isNoting: Bool { if case .note = action { true } else { false } }

    /// Its deadline has passed.
    package func cut() {
        guard let action = machine.cut() else { return }
        (self.action, due) = (action, nil)
    }

    package func happened(_ event: BatchMachine.Event) { action = machine.happened(event) }
}

/// The result files of a batch on the local disk.
package struct FetchedResults: Sendable {
    package var files: [String] = []
    /// Why they are incomplete.
    package var trouble: BatchMachine.Event?
}
