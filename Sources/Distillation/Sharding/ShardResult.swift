import Basics
import CommandLine
package import SegmentStore

/// The part of an input that a run was for, for its summary.
package struct ShardResult: Sendable {
    package var shard: Shard?
    /// Rows of the shard and of the whole input; nil if the input was not read to its end.
    package var rows: UInt64?
    package var whole: UInt64
    package var elsewhere: Int

    /// Nil for a run over all of its input that used no other store's outcomes.
    package init?(_ shard: Shard?, _ reading: PlannedSource.Reading) {
        elsewhere = reading.findings.elsewhere
        guard shard != nil || elsewhere > 0 else { return nil }
        self.shard = shard
        rows = reading.rowsOfShard
        whole = reading.rows
    }

    /// Why a run has no items.
    package var emptiness: String {
        elsewhere > 0 ? "every item has its outcome in a sibling store" : "no row of the input falls to this shard"
    }

    package var facts: [SummaryFact] {
        var facts: [SummaryFact] = []
        if let shard {
            var text = "\(shard.number) of \(shard.count)"
            if let rows { text += ": \(Human.count(Int(clamping: rows))) of \(Human.count(Int(clamping: whole))) rows" }
            facts.append(("shard", text))
        }
        if elsewhere > 0 {
            facts.append(("elsewhere", "\(Human.plural(elsewhere, "item")) with an outcome in a sibling store"))
        }
        return facts
    }
}
