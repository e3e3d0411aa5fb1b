/// What the deep form counts while reading records.
struct SeenRecords {
    /// Records that are where the index says, by lane.
    var matches: [Lane: Int] = [:]
    /// Tallies by lane, and rounds.
    var counters = StoreCounters()
    /// Damaged ranges, with the index of their problem in the report.
    var damage: [DamagedStretch] = []

    /// Counts what the index's entries do not count.
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
