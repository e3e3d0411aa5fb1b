import PromptSource
package import ResponseGenerator
package import SegmentStore

/// The input's items by outcome. A store may have more records: of rows that are no longer in the input.
package struct RunStanding: Sendable, Hashable {
    /// Items of the input; nil until the number of rows is known.
    package var total: Int?
    package var done: Int
    package var failed: Int
    /// Outcomes on disk when the run began.
    package var earlier: Int
    /// Records of the store for rows outside the input; known once the input has been read to its end.
    package var foreign: Int

    /// Items without an outcome; nil if unknown.
    package var pending: Int? { total.map { max(0, $0 - done - failed) } }

    /// For a retry: the results of the retried items.
    package init(retried count: Int, _ progress: Progress) {
        (total, done, failed, earlier, foreign) = (count, progress.answered, progress.failed, 0, 0)
    }

    /// - Parameters:
    ///   - before: the store's counts when the run began.
    ///   - rows: the number of rows taken from the input, if known.
    ///   - storedSamples: the samples per row that the store is for.
    ///   - isPartial: whether the input has other rows.
    package init(
        _ progress: Progress, _ reading: PlannedSource.Reading, _ counters: StoreCounters, before: StoreCounters,
        input: InputStanding, rows: UInt64?, samples: Int, storedSamples: Int? = nil, isPartial: Bool = false
    ) {
        let findings = reading.findings
        let held = Int(counters.done + counters.failed)
        total = rows.map { Int($0) * samples - findings.elsewhere }
        switch input {
        case .sole where isPartial:
            done = findings.done + progress.answered
            failed = findings.failed + findings.bad + progress.failed
            (earlier, foreign) = (findings.done + findings.failed, 0)
        case .sole:
            (done, failed) = (Int(counters.done), Int(counters.failed))
            (earlier, foreign) = (Int(before.done + before.failed), 0)
        case .settled(let rows):
            done = Int(rows) * samples
            (failed, earlier, foreign) = (0, done, max(0, held - done))
        case .mixed:
            done = findings.done + progress.answered
            failed = findings.failed + findings.bad + progress.failed
            earlier = findings.done + findings.failed
            // Further samples of the same rows do not count as records of other rows.
            let isWhole = reading.isComplete && !isPartial && samples >= storedSamples ?? samples
            foreign = isWhole ? max(0, held - done - failed) : 0
            // Unread rows may have their outcome.
            if !reading.isComplete { total = nil }
        }
    }
}
