import ModelSimulator
import ResponseGenerator
import SegmentStore

/// How a run ended, for the summary and the exit status.
struct RunResult: Sendable {
    var summary: RunSummary
    var standing: RunStanding
    var counters: StoreCounters
    /// What all requests for the store have cost.
    var spending: Spending
    var simulatorCounts: SimulatorCounts?
    var wasInterrupted: Bool
    /// What opening the store found damaged.
    var damage: [Damage] = []
    /// The server if it has sent bytes that were not asked for.
    var disorderlyServer: String?
    /// Where the input ends in the middle of a row; nil where it does not.
    var tornEnd: String?
    /// What part of the input the run was for; nil: all of it, with no other stores.
    var part: ShardResult?
    /// Of a run for a number of accepted answers.
    var goal: AcceptedResult?
    /// What the whole process has cost, the built-in server included; nil while it is not over.
    var cost: ProcessCost?
    /// Of a run that is sent the cheapest way: how its rows went.
    var route: RouteTally?
    /// Of a leg through batches: answers to rows that were answered live as well, and their cost.
    var twice = (answers: 0, nanodollars: 0)
}
