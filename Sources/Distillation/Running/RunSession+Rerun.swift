package import Basics
import CommandLine
import Dataset
package import PromptSource
package import SegmentStore

extension RunSession {
    /// Raises the number of samples that the store is for.
    package func raiseSamples(_ job: JobDescription) throws(RetortError) {
        guard let manifest = try RecordStore.manifest(of: settings.out), settings.samples > manifest.samples else {
            return
        }
        try job.check(against: manifest.job, at: settings.out, onChange: settings.onChange)
        // Other differences are handled by a rerun.
        var raised = manifest.job
        raised["samples"] = job.values["samples"]
        try StoreSamples.raise(settings.out, to: settings.samples, job: raised, options: storeOptions)
        if isQuiet { return }
        let before = manifest.samples == 1 ? "1 sample" : "\(Human.count(manifest.samples)) samples"
        messages.line(
            "the store has \(before) per row; this run adds to each row up to \(Human.count(settings.samples))")
    }

    /// `--on-change rerun`: before anything is sent, outcomes of items whose request has changed leave their lanes, and
    /// the items become pending. Announces what it does first.
    ///
    /// After a kill in between, the same command does the rest.
    package func supersedeChangedItems(_ input: InputSet, _ job: JobDescription) throws(RetortError) {
        guard settings.onChange == .rerun, let manifest = try RecordStore.manifest(of: settings.out) else { return }
        try job.check(against: manifest.job, at: settings.out, onChange: .rerun)
        guard job.comparesRows(of: input, settings.shard, with: manifest, .rerun) else { return }
        guard input.isRepeatable else {
            throw RetortError(
                .configuration, "--on-change rerun reads its input twice",
                at: input.files.first { $0.kind != .regular }?.displayName,
                cause: "it cannot be read again", remedy: "Save it to a file and give that.")
        }
        let revision = try StoreRevision(settings.out, options: storeOptions)
        defer { revision.release() }
        if !isQuiet { messages.line("comparing the input's rows with what is on disk") }
        // Orphans first, then differences: a record that arrives in between is covered by the second.
        if stage?.source != nil { try supersedeOrphans(input, revision) }
        // All samples of a changed row move, including those that this run does not send.
        var all = settings
        all.samples = max(settings.samples, manifest.samples)
        let changed = try ChangedItems(
            input, all.rows,
            planner: { [all] in
                RowPlanner(
                    all, input: input, store: revision, issued: IssuedKeys(),
                    codec: RecordCodec(keepsBody: false), standing: .mixed(isNew: true))
            },
            withoutIDs: true, overflow: { (entry) throws(RetortError) in try revision.supersede(entry) })
        for entry in changed.entries.values { try revision.supersede(entry) }
        if !isQuiet { messages.line(announcement(revision)) }
        try revision.commit(job: job.keepingSamples(of: manifest).values)
    }

    private func announcement(_ revision: StoreRevision) -> String {
        let count = revision.answers + revision.failures
        guard count > 0 else { return "no prompt changed since it was answered" }
        let ended = "\(Human.count(revision.answers)) answered, \(Human.count(revision.failures)) failed"
        return "\(Human.plural(count, "item")) changed since the last run (\(ended)): the old records move to "
            + "\(ShellText.quoted(settings.out))/superseded, and the items are sent again"
    }
}

extension JobDescription {
    /// Whether rows must be compared with the store: not if all its records belong to this very input.
    package func comparesRows(
        of input: InputSet, _ shard: Shard? = nil, with manifest: StoreManifest, _ onChange: ChangePolicy
    ) -> Bool {
        guard onChange == .rerun else { return false }
        let mark = InputMark.sole.mark(input.identityHash(of: shard))
        let identity = Hexadecimal.string(mark.high) + Hexadecimal.string(mark.low)
        return manifest.job != values || manifest.input?.identity != identity
    }
}
