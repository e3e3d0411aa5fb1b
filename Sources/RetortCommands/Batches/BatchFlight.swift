import Basics
import BatchDelivery

/// A batch that this run takes care of.
final class BatchFlight {
    let number: Int
    let plan: BatchPlan
    var machine: BatchMachine
    var action: BatchMachine.Action
    /// When its wait is over.
    var due: Instant?
    /// Of its requests those that have no outcome yet.
    var pending: Int
    var isOver = false
    /// What its requests may cost once more in nanodollars, where they are asked live as well.
    var overtaken: Int?
    /// What its answers have cost to rows that were answered live as well.
    var twice = 0

    init(_ number: Int, _ plan: BatchPlan, _ machine: BatchMachine, pending: Int) {
        var machine = machine
        self.number = number
        self.plan = plan
        self.pending = pending
        action = machine.begin()
        self.machine = machine
    }

    var isNoting: Bool { if case .note = action { true } else { false } }

    /// Its time is over.
    func cut() {
        guard let action = machine.cut() else { return }
        (self.action, due) = (action, nil)
    }

    func happened(_ event: BatchMachine.Event) { action = machine.happened(event) }
}
