package import Basics
import BatchDelivery
import CommandLine
import JSONText
package import SegmentStore

/// Prevents requests in batches from being sent a second time.
package enum BatchGuard {
    /// Throws `.configuration` if the store has batches in progress that this run would not take over.
    package static func check(_ settings: RunSettings) throws(RetortError) {
        let rerun = settings.onChange == .rerun
        // A changed row does not belong to a batch in progress, even if it is also sent live.
        let open = try BatchJournal(of: settings.out).open.filter { rerun ? $0.isSubmitted : $0.isExclusive }
        guard let first = open.first else { return }
        let requests = open.reduce(0) { $0.addingSaturated($1.plan.requests) }
        let what =
            "\(Human.plural(requests, "request")) of the store "
            + (requests == 1 ? "is" : "are") + " in progress in batches"
        guard let batch = settings.batch ?? settings.route?.batch else {
            throw RetortError(
                .configuration, what, at: settings.out, cause: "a live run would send and pay them again",
                remedy: "Add --via batch, or --via cheapest with a --deadline, to pick up their results.")
        }
        if rerun {
            throw RetortError(
                .configuration, what, at: settings.out, cause: "--on-change rerun may change their requests",
                remedy: "Run without --on-change rerun until they have ended.")
        }
        guard isOwn(first, batch) else {
            throw RetortError(
                .configuration, what, at: settings.out, cause: "they were sent to \(first.plan.server)",
                remedy: "Give the --base-url and --endpoint with which they were submitted.")
        }
    }

    /// The check for a retry: a run's batches hold other items, but those of an earlier retry hold the items of this
    /// one.
    package static func checkRetry(_ settings: RunSettings) throws(RetortError) {
        if settings.batch == nil {
            let journal = try BatchJournal(of: settings.out)
            var isAsked = false
            for standing in journal.open where standing.isExclusive && !isAsked {
                isAsked = try BatchItemIndex.first(journal.items(standing.number))?.isRetry ?? false
            }
            guard isAsked else { return }
        }
        try check(settings)
    }

    /// Identifies batches of another job. The number of samples may change.
    package static func jobMark(_ job: [String: String]) -> String {
        var text: [UInt8] = []
        for (name, value) in job.sorted(by: { $0.key < $1.key }) where name != "samples" {
            JSONString.append(name, to: &text)
            JSONString.append(value, to: &text)
        }
        return Hexadecimal.string(text.withUnsafeBytes { ContentHash.hash64($0) })
    }

    /// Throws `.configuration` if a store to be merged has batches in progress: the new store would not know them.
    package static func checkSource(_ store: String) throws(RetortError) {
        let open = try BatchJournal(of: store).open.filter(\.isExclusive)
        guard !open.isEmpty else { return }
        let requests = open.reduce(0) { $0.addingSaturated($1.plan.requests) }
        throw RetortError(
            .configuration,
            "\(Human.plural(requests, "request")) \(requests == 1 ? "is" : "are") in progress in batches", at: store,
            cause: "a run on the merged store would send and pay them again",
            remedy: "Run the store's own command with --via batch until they have ended, then merge.")
    }

    private static func isOwn(_ standing: BatchStanding, _ batch: BatchSettings) -> Bool {
        standing.plan.server == batch.server && batch.dialect.takes(path: standing.plan.path)
    }

    /// Drops batches that were planned and never sent, if this run sends their rows in another way. Call it with the
    /// store open.
    package static func withdraw(_ settings: RunSettings, _ store: RecordStore) throws(RetortError) {
        let journal = try BatchJournal(of: settings.out)
        let job = jobMark(store.manifest.job)
        let unsent = journal.open.filter { standing in
            if !standing.isSubmitted, !standing.plan.job.isEmpty, standing.plan.job != job { return true }
            let isKept = settings.batch.map { isOwn(standing, $0) } ?? false
            return !standing.isSubmitted && (!isKept || settings.onChange == .rerun)
        }
        guard !unsent.isEmpty else { return try settle(store, journal) }
        let uncertain = journal.uncertain ?? 0
        let reserved = unsent.reduce(0) { $0.addingSaturated($1.plan.costMax) }
        for standing in unsent {
            try journal.append(
                BatchEntry(
                    number: standing.number, .collected("withdrawn"), time: Int(wallClockSeconds()),
                    uncertain: uncertain))
            journal.remove(journal.items(standing.number), journal.upload(standing.number))
        }
        // The mark included their maximum cost.
        let mark = max(Int(clamping: store.mark) - reserved, uncertain)
        if store.mark > Int64(mark) { try store.setMark(Int64(mark)) }
        try settle(store, journal)
    }

    /// Lowers the mark if a run was killed before it did so for its last batch records. Call it with the store open,
    /// before anything is sent live.
    static func settle(_ store: RecordStore, _ journal: BatchJournal) throws(RetortError) {
        guard journal.open.isEmpty, MarkOwner.of(store) == .batches, let uncertain = journal.uncertain,
            store.mark > Int64(uncertain)
        else { return }
        try store.setMark(Int64(uncertain))
    }
}
