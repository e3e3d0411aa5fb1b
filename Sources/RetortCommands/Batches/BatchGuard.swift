import Basics
import BatchDelivery
import CommandLine
import SegmentStore

/// Keeps what is under way in batches from being asked twice.
enum BatchGuard {
    /// Throws `.configuration` where the store has batches under way that this run would not take over.
    static func check(_ settings: RunSettings) throws(RetortError) {
        let open = try BatchJournal(of: settings.out).open.filter(\.isSubmitted)
        guard let first = open.first else { return }
        let requests = open.reduce(0) { $0.addingSaturated($1.plan.requests) }
        let what =
            "\(Human.plural(requests, "request")) of the store "
            + (requests == 1 ? "is" : "are") + " under way in batches"
        guard let batch = settings.batch else {
            throw RetortError(
                .configuration, what, at: settings.out, cause: "a live run would send and pay them again",
                remedy: "Add --via batch to pick up their results.")
        }
        if settings.onChange == .rerun {
            throw RetortError(
                .configuration, what, at: settings.out, cause: "--on-change rerun may ask their rows otherwise",
                remedy: "Run without --on-change rerun until they have ended.")
        }
        guard isOwn(first, batch) else {
            throw RetortError(
                .configuration, what, at: settings.out, cause: "they were sent to \(first.plan.server)",
                remedy: "Give the --base-url and --endpoint with which they were submitted.")
        }
    }

    private static func isOwn(_ standing: BatchStanding, _ batch: BatchSettings) -> Bool {
        standing.plan.server == batch.server && batch.dialect.takes(path: standing.plan.path)
    }

    /// Gives up batches that were planned and never sent, where this run asks their rows in another way. Call it with the
    /// store open.
    static func withdraw(_ settings: RunSettings, _ store: RecordStore) throws(RetortError) {
        let journal = try BatchJournal(of: settings.out)
        let unsent = journal.open.filter { standing in
            let isKept = settings.batch.map { isOwn(standing, $0) } ?? false
            return !standing.isSubmitted && (!isKept || settings.onChange == .rerun)
        }
        guard !unsent.isEmpty else { return }
        let uncertain = journal.uncertain ?? 0
        for standing in unsent {
            try journal.append(
                BatchEntry(
                    number: standing.number, .collected("withdrawn"), time: Int(wallClockSeconds()),
                    uncertain: uncertain))
            journal.remove(journal.items(standing.number), journal.upload(standing.number))
        }
        // The mark held what they might have cost.
        if journal.open.isEmpty, store.mark > Int64(uncertain) { try store.setMark(Int64(uncertain)) }
    }
}
