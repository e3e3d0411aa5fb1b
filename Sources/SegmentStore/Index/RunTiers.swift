/// Which runs become one, so that there are few to ask and an entry is not written again too often.
enum RunTiers {
    /// The newest runs that are to be merged: one goes with the next older one as soon as that is not `ratio` times as
    /// large. Nil when there is nothing to merge.
    static func toMerge(newestFirst runs: [Run], ratio: Int) -> [Run]? {
        var entries = 0
        let merged = runs.prefix { run in
            defer { entries += run.count }
            return entries == 0 || run.count < entries * ratio
        }
        return merged.count > 1 ? Array(merged) : nil
    }

    /// The level of what such runs become.
    static func level(above runs: [Run]) -> UInt8 { UInt8(clamping: (runs.map { Int($0.level) }.max() ?? 0) + 1) }
}
