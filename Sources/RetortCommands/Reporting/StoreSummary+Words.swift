import Basics
import CommandLine

/// Sentences that the text and the page share.
extension StoreSummary {
    /// How far the store is, in a sentence.
    var stateSentence: String {
        switch state {
        case .empty: "empty: no item has an outcome yet"
        case .running: "running: \(writer ?? "") writes it; this is a snapshot"
        case .complete: "complete: every item has its answer"
        case .incomplete where pending == nil: "incomplete: the input was not read to its end"
        case .incomplete where pending == 0: "every item has its outcome, \(Human.count(failed)) failed"
        case .incomplete: "incomplete: \(Human.count(pending ?? 0)) pending, \(Human.count(failed)) failed"
        }
    }

    /// How the numbers were made.
    var notes: [String] {
        let error = Human.fixed(LogHistogram.relativeErrorMax * 100, 1)
        var notes = [
            "Percentiles above 127 are off by at most \(error)% of their value; counts, sums, least and greatest are exact.",
            "Latency is that of the attempt that was answered. Times are UTC.",
        ]
        if columns.stretches.count > 1 {
            notes.append("\(columns.stretches.count - 1) long pauses are left out of the time at work.")
        }
        if digest.untimed > 0 {
            notes.append("\(Human.count(digest.untimed)) records have no time and are missing in the charts over time.")
        }
        return notes
    }

    /// `1 segment`, `1,234 segments`
    static func plural(_ count: Int, _ noun: String) -> String {
        "\(Human.count(count)) \(noun)\(count == 1 ? "" : "s")"
    }
}
