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

    init(_ number: Int, _ plan: BatchPlan, _ machine: BatchMachine, pending: Int) {
        var machine = machine
        self.number = number
        self.plan = plan
        self.pending = pending
        action = machine.begin()
        self.machine = machine
    }

    var isNoting: Bool { if case .note = action { true } else { false } }

    func happened(_ event: BatchMachine.Event) { action = machine.happened(event) }
}
