import Basics
import BatchDelivery

/// Keeps what is under way in batches from being asked twice.
enum BatchGuard {
    /// Throws `.configuration` where the store has batches under way that this run would not take over.
    static func check(_ settings: RunSettings) throws(RetortError) {
        let open = try BatchJournal(of: settings.out).open
        guard let first = open.first else { return }
        let requests = open.reduce(0) { $0.addingSaturated($1.plan.requests) }
        let what =
            "\(StoreSummary.plural(requests, "request")) of the store "
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
        guard first.plan.server == batch.server, batch.dialect.takes(path: first.plan.path) else {
            throw RetortError(
                .configuration, what, at: settings.out, cause: "they were sent to \(first.plan.server)",
                remedy: "Give the --base-url and --endpoint with which they were submitted.")
        }
    }
}
