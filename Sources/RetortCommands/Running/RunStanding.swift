import PromptSource
import ResponseGenerator
import SegmentStore

/// How many items of the input have which outcome. A store may hold more: records of rows that are no longer there.
struct RunStanding: Sendable, Hashable {
    /// Items of the input; nil while it is not known how many rows it has.
    var total: Int?
    var done: Int
    var failed: Int
    /// Outcomes that were on disk when the run began.
    var earlier: Int
    /// Records of the store that are of no row of the input; known when the input has been read to its end.
    var foreign: Int

    /// Items without an outcome; nil while that cannot be told.
    var pending: Int? { total.map { max(0, $0 - done - failed) } }

    /// - Parameters:
    ///   - before: what the store held when the run began, if all of it is of this input.
    ///   - rows: rows of the input, if known.
    init(
        _ progress: Progress, _ reading: PlannedSource.Reading, _ counters: StoreCounters, before: StoreCounters?,
        rows: UInt64?, samples: Int
    ) {
        let findings = reading.findings
        let held = Int(counters.done + counters.failed)
        total = rows.map { Int($0) * samples }
        if let before {
            (done, failed) = (Int(counters.done), Int(counters.failed))
            (earlier, foreign) = (Int(before.done + before.failed), 0)
        } else {
            done = findings.done + progress.answered
            failed = findings.failed + findings.bad + progress.failed
            earlier = findings.done + findings.failed
            foreign = reading.isComplete ? max(0, held - done - failed) : 0
            // Rows that were not read yet may have their outcome.
            if !reading.isComplete { total = nil }
        }
    }
}
