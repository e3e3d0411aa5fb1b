package import Dataset
package import ModelSimulator
package import ResponseGenerator
package import SegmentStore

/// The result of a run, for the summary and the exit status.
package struct RunResult: Sendable {
    package var summary: RunSummary
    package var standing: RunStanding
    package var counters: StoreCounters
    /// The cost of all requests for the store.
    package var spending: Spending
    package var simulatorCounts: SimulatorCounts?
    package var wasInterrupted: Bool
    /// Damage found when the store was opened.
    package var damage: [Damage] = []
    /// The server, if it sent unrequested bytes.
    package var disorderlyServer: String?
    /// The place where the input ends in the middle of a row; nil if it does not.
    package var tornEnd: String?
    /// The part of the input that the run was for; nil: all of it, with no other stores.
    package var part: ShardResult?
    /// For a run with a number of accepted answers.
    package var goal: AcceptedResult?
    /// Resources used by the whole process, including the built-in server; nil before the end.
    package var cost: ProcessCost?
    /// For `--via cheapest`: how its rows were answered.
    package var route: RouteTally?
    /// For a leg through batches: answers to rows that were also answered live, and their cost.
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
