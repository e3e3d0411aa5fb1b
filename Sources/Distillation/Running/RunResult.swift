package import Dataset
package import ModelSimulator
package import ResponseGenerator
package import SegmentStore

/// How a run ended, for the summary and the exit status.
package struct RunResult: Sendable {
    package var summary: RunSummary
    package var standing: RunStanding
    package var counters: StoreCounters
    /// What all requests for the store have cost.
    package var spending: Spending
    package var simulatorCounts: SimulatorCounts?
    package var wasInterrupted: Bool
    /// What opening the store found damaged.
    package var damage: [Damage] = []
    /// The server if it has sent bytes that were not asked for.
    package var disorderlyServer: String?
    /// Where the input ends in the middle of a row; nil where it does not.
    package var tornEnd: String?
    /// What part of the input the run was for; nil: all of it, with no other stores.
    package var part: ShardResult?
    /// Of a run for a number of accepted answers.
    package var goal: AcceptedResult?
    /// What the whole process has cost, the built-in server included; nil while it is not over.
    package var cost: ProcessCost?
    /// Of a run that is sent the cheapest way: how its rows went.
    package var route: RouteTally?
    /// Of a leg through batches: answers to rows that were answered live as well, and their cost.
    package var twice: (answers: Int, nanodollars: Int) = (0, 0)

    package init(
        summary: RunSummary, standing: RunStanding, counters: StoreCounters, spending: Spending,
        simulatorCounts: SimulatorCounts? = nil, wasInterrupted: Bool, damage: [Damage] = [],
        disorderlyServer: String? = nil, tornEnd: String? = nil, part: ShardResult? = nil, goal: AcceptedResult? = nil,
        cost: ProcessCost? = nil, route: RouteTally? = nil
    ) {
        self.summary = summary
        self.standing = standing
        self.counters = counters
        self.spending = spending
        self.simulatorCounts = simulatorCounts
        self.wasInterrupted = wasInterrupted
        self.damage = damage
        self.disorderlyServer = disorderlyServer
        self.tornEnd = tornEnd
        self.part = part
        self.goal = goal
        self.cost = cost
        self.route = route
    }
}
