package import Basics
import CommandLine
import Dataset
import ModelAPI
package import PromptSource
package import SegmentStore

extension RunSession {
    /// Replaces the store's template by a corrected one if every row with an outcome still has the same request: rows
    /// that it fixes are then sent without `--on-change rerun`.
    package func takeOnTemplate(_ input: InputSet, _ job: JobDescription) throws(RetortError) {
        guard let manifest = try RecordStore.manifest(of: settings.out),
            OtherTemplate.isOnlyDifference(input, settings, job, manifest)
        else { return }
        let reader = try StoreReader(settings.out, options: storeOptions)
        guard try OtherTemplate.isHarmless(input, settings, job, manifest, reader, reader.counters) else { return }
        let revision = try StoreRevision(settings.out, options: storeOptions)
        defer { revision.release() }
        try revision.commit(job: job.keepingSamples(of: manifest).values)
        if !isQuiet { messages.line("the template has changed, the requests have not: the run continues") }
    }
}

/// A template that differs from the store's.
package enum OtherTemplate {
    /// Whether the template is the only difference, as far as can be told without reading the store.
    package static func isOnlyDifference(
        _ input: InputSet, _ settings: RunSettings, _ job: JobDescription, _ manifest: StoreManifest
    ) -> Bool {
        settings.onChange != .rerun && input.isRepeatable && settings.shard == nil && !input.isStore
            && job.isOtherTemplate(than: manifest.job)
    }

    /// Whether the template is the only difference, and gives each row with an outcome the request that was sent. Reads
    /// the input.
    package static func isHarmless(
        _ input: InputSet, _ settings: RunSettings, _ job: JobDescription, _ manifest: StoreManifest,
        _ store: any KnownOutcomes, _ counters: StoreCounters
    ) throws(RetortError) -> Bool {
        guard isOnlyDifference(input, settings, job, manifest) else { return false }
        let index = manifest.failureClasses.firstIndex(of: FailureClass.badInput.rawValue)
        let bad = index.map { $0 < counters.failedByClass.count ? counters.failedByClass[$0] : 0 } ?? 0
        let known = counters.done + counters.failed - min(bad, counters.failed)
        var all = settings
        all.samples = max(settings.samples, manifest.samples)
        let planner = RowPlanner(
            all, input: input, store: store, issued: IssuedKeys(), codec: RecordCodec(keepsBody: false),
            standing: .mixed(isNew: true))
        let rows = RangedRows(input, RowRange(skip: nil, limit: nil))
        var same: UInt64 = 0
        while let row = try rows.next() {
            let found = try planner.comparison(of: row, withoutIDs: true)
            guard found.changed.isEmpty else { return false }
            same += UInt64(found.same.count)
        }
        return same == known
    }
}
