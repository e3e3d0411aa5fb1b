package import Basics
import CommandLine
package import SegmentStore

extension SiblingStores {
    /// The stores that a run is told to search; nil if there are none.
    package convenience init?(_ settings: RunSettings, job: JobDescription) throws(RetortError) {
        guard !settings.siblings.isEmpty else { return nil }
        try self.init(settings.siblings, besides: settings.out, job: job, samples: settings.samples)
    }
}

extension RunSession {
    /// Opens the other stores. By now the run's own store is locked, names its shard, and can be found by runs that
    /// begin later: of two that begin at the same time, the second one sees the first.
    package func siblingStores(_ store: RecordStore) throws(RetortError) -> SiblingStores? {
        guard !settings.siblings.isEmpty else { return nil }
        let job = JobDescription(settings).adopting(store.manifest)
        guard let siblings = try SiblingStores(settings, job: job) else { return nil }
        try siblings.refuseOverlap(with: settings.shard)
        if !isQuiet {
            messages.line("outcomes are looked up in \(Human.plural(siblings.count, "sibling store"))")
        }
        return siblings
    }
}
