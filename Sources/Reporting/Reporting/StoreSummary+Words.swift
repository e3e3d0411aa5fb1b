import Basics
import CommandLine
import Dataset

/// Sentences that the text and the page share.
extension StoreSummary {
    /// Maximum damaged parts listed one by one in the text and the page.
    package static let damageShownMax = 20

    /// The state for display: a store without pending items is finished, even if some have failed.
    package var stateWord: String { state == .incomplete && pending == 0 ? "finished" : state.rawValue }

    /// The progress, shown after the state's name.
    package var stateDetail: String {
        switch state {
        case .empty: "no item has an outcome yet"
        case .running: "\(writer ?? "") is writing; this is a snapshot"
        case .complete: "every item has its answer"
        case .incomplete where pending == nil: "what is left is unknown without reading the input"
        case .incomplete where pending == 0: "every item has its outcome, \(Human.count(failed)) failed"
        case .incomplete: "\(Human.count(pending ?? 0)) pending, \(Human.count(failed)) failed"
        }
    }

    /// How the last run ended, judged by its report and by the store's lock.
    package var runEnding: String {
        guard let run else { return "" }
        if run.state == .ended { return "its work was done" }
        return writer == nil ? "killed; its last sign was at \(UTCTime(Int64(run.updated)).text)" : "still running"
    }

    /// Notes on how the numbers were obtained.
    package var notes: [String] {
        let error = Human.fixed(LogHistogram.relativeErrorMax * 100, 1)
        var notes = [
            "Percentiles above 127 are off by at most \(error)% of their value; counts, sums, minimum and maximum are exact.",
            "Latency is that of the attempt that was answered. Times are UTC.",
        ]
        if columns.stretches.count > 1 {
            notes.append("\(Human.plural(columns.stretches.count - 1, "long pause")) left out of the active time.")
        }
        if digest.untimed > 0 {
            notes.append("\(Human.plural(digest.untimed, "record")) without a time, missing in the charts over time.")
        }
        return notes
    }
}
