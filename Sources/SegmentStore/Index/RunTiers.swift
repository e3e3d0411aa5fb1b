/// Decides which runs are merged, so that there are few to search and an entry is not rewritten too often.
enum RunTiers {
    /// The newest runs that should be merged: one is merged with the next older one unless that is `ratio` times as
    /// large. Nil if there is nothing to merge.
    static func toMerge(newestFirst runs: [Run], ratio: Int) -> [Run]? {
        var entries = 0
        let merged = runs.prefix { run in
            defer { entries += run.count }
            return entries == 0 || run.count < entries * ratio
        }
        return merged.count > 1 ? Array(merged) : nil
    }

    /// The level of the merged run.
    static func level(above runs: [Run]) -> UInt8 { UInt8(clamping: (runs.map { Int($0.level) }.max() ?? 0) + 1) }
}
