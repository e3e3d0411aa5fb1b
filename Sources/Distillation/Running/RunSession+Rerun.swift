package import Basics
import CommandLine
import Dataset
package import PromptSource
package import SegmentStore

extension RunSession {
    /// More samples of each row than the store was for: it is for so many from now on.
    package func raiseSamples(_ job: JobDescription) throws(RetortError) {
        guard let manifest = try RecordStore.manifest(of: settings.out), settings.samples > manifest.samples else {
            return
        }
        try job.check(against: manifest.job, at: settings.out, onChange: settings.onChange)
        // What else has changed is changed by a rerun.
        var raised = manifest.job
        raised["samples"] = job.values["samples"]
        try StoreSamples.raise(settings.out, to: settings.samples, job: raised, options: storeOptions)
        if isQuiet { return }
        let before = manifest.samples == 1 ? "1 sample" : "\(Human.count(manifest.samples)) samples"
        messages.line(
            "the store has \(before) per row; this run adds to each row up to \(Human.count(settings.samples))")
    }

    /// `--on-change rerun`: before anything is asked, the outcomes of items that ask something else now leave the
    /// lanes, and their items are pending like any other. Says what it does before it does it.
    ///
    /// Killed meanwhile, the same command does what is left of it.
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
        // First what the source lacks, then what differs: a record that comes in between is met by the second.
        if stage?.source != nil { try supersedeOrphans(input, revision) }
        // All samples of a changed row go, also those that this run does not ask for.
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
    /// Whether rows have to be compared with what a store holds: not those of the very input that alone has filled it.
    package func comparesRows(
        of input: InputSet, _ shard: Shard? = nil, with manifest: StoreManifest, _ onChange: ChangePolicy
    ) -> Bool {
        guard onChange == .rerun else { return false }
        let mark = InputMark.sole.mark(input.identityHash(of: shard))
        let identity = Hexadecimal.string(mark.high) + Hexadecimal.string(mark.low)
        return manifest.job != values || manifest.input?.identity != identity
    }
}
