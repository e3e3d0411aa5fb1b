package import Basics
package import BatchDelivery

/// A batch that this run takes care of.
package final class BatchFlight {
    package let number: Int
    package let plan: BatchPlan
    package var machine: BatchMachine
    package var action: BatchMachine.Action
    /// When its wait is over.
    package var due: Instant?
    /// Of its requests those that have no outcome yet.
    package var pending: Int
    package var isOver = false
    /// What its requests may cost once more in nanodollars, where they are asked live as well.
    package var overtaken: Int?
    /// What was downloaded for the action at hand.
    package var fetched: FetchedResults?
    /// What its answers have cost to rows that were answered live as well.
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

    /// Its time is over.
    package func cut() {
        guard let action = machine.cut() else { return }
        (self.action, due) = (action, nil)
    }

    package func happened(_ event: BatchMachine.Event) { action = machine.happened(event) }
}

/// The result files of a batch on this disk.
package struct FetchedResults: Sendable {
    package var files: [String] = []
    /// Why they are not whole.
    package var trouble: BatchMachine.Event?
}
