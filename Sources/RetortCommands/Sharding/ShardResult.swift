import Basics
import CommandLine
import SegmentStore

/// What part of an input a run was for, for its summary.
struct ShardResult: Sendable {
    var shard: Shard?
    /// Rows of the shard and of the whole input; nil while the input was not read to its end.
    var rows: UInt64?
    var whole: UInt64
    var elsewhere: Int

    /// Nil for a run over all of its input that had all outcomes itself.
    init?(_ shard: Shard?, _ reading: PlannedSource.Reading) {
        elsewhere = reading.findings.elsewhere
        guard shard != nil || elsewhere > 0 else { return nil }
        self.shard = shard
        rows = reading.rowsOfShard
        whole = reading.rows
    }

    /// Why a run has no items.
    var emptiness: String {
        elsewhere > 0 ? "every item has its outcome in a sibling store" : "no row of the input falls to this shard"
    }

    var facts: [RunConclusion.Fact] {
        var facts: [RunConclusion.Fact] = []
        if let shard {
            var text = "\(shard.number) of \(shard.count)"
            if let rows { text += ": \(Human.count(Int(clamping: rows))) of \(Human.count(Int(clamping: whole))) rows" }
            facts.append(("shard", text))
        }
        if elsewhere > 0 {
            facts.append(("elsewhere", "\(StoreSummary.plural(elsewhere, "item")) with an outcome in a sibling store"))
        }
        return facts
    }
}

extension StoreManifest.Part {
    /// The part in words. `own` are the shard's rows.
    func text(_ own: UInt64?) -> String {
        var text = "\(shard.number) of \(shard.count)"
        if let own, let rows {
            text += ": \(Human.count(Int(clamping: own))) of \(Human.count(Int(clamping: rows))) rows"
        }
        if let elsewhere, elsewhere > 0 {
            text += "; \(StoreSummary.plural(Int(clamping: elsewhere), "item")) elsewhere"
        }
        return text
    }
}

extension SiblingStores {
    /// Those that a run is told of; nil where it is told of none.
    convenience init?(_ settings: RunSettings, job: JobDescription) throws(RetortError) {
        guard !settings.siblings.isEmpty else { return nil }
        try self.init(settings.siblings, besides: settings.out, job: job, samples: settings.samples)
    }
}

extension RunSession {
    /// Opens the other stores. The run's own is locked and says its shard by now, and is found by runs that begin later:
    /// of two that begin at the same time the second one sees the first.
    func siblingStores(_ store: RecordStore) throws(RetortError) -> SiblingStores? {
        guard !settings.siblings.isEmpty else { return nil }
        let job = JobDescription(settings).adopting(store.manifest.job)
        guard let siblings = try SiblingStores(settings, job: job) else { return nil }
        try siblings.refuseOverlap(with: settings.shard)
        if !isQuiet {
            messages.line("outcomes are looked up in \(StoreSummary.plural(siblings.count, "sibling store"))")
        }
        return siblings
    }
}
