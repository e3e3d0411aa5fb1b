/// What the deep form counts of the records that it reads.
struct SeenRecords {
    /// Records that stand where the index says, by lane.
    var matches: [Lane: Int] = [:]
    /// Tallies by lane, and rounds.
    var counters = StoreCounters()
    /// Damaged stretches, with the place of their problem in the report.
    var damage: [DamagedStretch] = []

    /// Counts what is not counted by the index's entries.
    mutating func add(_ lane: Lane, _ tallies: Tallies) {
        counters[lane] += tallies
        if lane == .rounds { counters.rounds += 1 }
    }

    struct DamagedStretch {
        var damage: Damage
        var problem: Int?
        /// Keys whose record the index places in it.
        var keys = 0
    }
}
