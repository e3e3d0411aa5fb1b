package import Basics
package import CommandLine
package import Dataset
import ModelAPI
package import PromptSource
package import ResponseGenerator
package import SegmentStore

/// Shows a run's progress: the generator's counts with the store's totals.
package final class RunReporter: ProgressObserver {
    private let messages: MessageStream
    private let store: RecordStore
    private let source: PlannedSource
    private let input: InputStanding
    /// The store's counts when the run began.
    private let before: StoreCounters
    /// Rows of the input, counted ahead by a separate thread.
    private let rowsTotal = Locked<UInt64?>(nil)
    private let isCounting = Locked(true)
    private let samples: Int
    private let range: RowRange
    private let badRows = Locked(0)
    private let display: RunDisplay
    private let isQuiet: Bool
    private let publisher: RunPublisher?

    /// Maximum bad rows reported one by one; the rest is only counted.
    package static let badRowsShownMax = 10

    package init(
        _ messages: MessageStream, store: RecordStore, source: PlannedSource, input: InputStanding,
        before: StoreCounters, samples: Int, range: RowRange = RowRange(), meter: HealthMeter, isQuiet: Bool,
        publisher: RunPublisher? = nil
    ) {
        self.range = range
        self.publisher = publisher
        display = RunDisplay(messages, store: store, meter: meter)
        self.messages = messages
        self.store = store
        self.source = source
        self.input = input
        self.before = before
        self.samples = samples
        self.isQuiet = isQuiet
    }

    package func progress(_ progress: Progress) {
        source.lose(progress.verifierFailures.addingSaturated(progress.held))
        display.show(progress) { fill(&$0, progress) }
        publisher?.update(
            progress, paused: RunDisplay.pausedReason(progress, trouble: store.trouble),
            cost: Spending(store.counters, mark: store.mark, notes: store.manifest.notes).dollars
        ) { standing(progress) }
    }

    /// Ends the counting of rows, and the display.
    package func finish(_ progress: Progress) {
        isCounting.withLock { $0 = false }
        display.finish(progress) { fill(&$0, progress) }
    }

    /// Counts the input's rows, for the total and the time left. Only for files that can be read again.
    package func count(
        _ input: InputSet, _ settings: RunSettings, scheme: RowScheme, known: UInt64?, isFollowing: Bool = false
    ) {
        if input.isStore {
            // While the source store is being written, its rows may still increase.
            let total = isFollowing ? nil : range.total(of: input)
            rowsTotal.withLock { $0 = total }
            return
        }
        if let known = known ?? input.rowCount {
            rowsTotal.withLock { $0 = range.count(of: known) }
            return
        }
        guard input.files.allSatisfy({ $0.kind == .regular || $0.kind == .made }) else { return }
        WorkThread.start(givesWay: true) { [self] in
            let reader = RangedRows(input, range)
            let sieve = settings.shard.map { ShardSieve($0, settings, input, scheme) }
            var taken: UInt64 = 0
            while let row = try? reader.next() {
                if sieve?.takes(row) ?? false { taken += 1 }
                if row.number % 4096 == 0, !isCounting.withLock({ $0 }) { return }
            }
            let total = sieve == nil ? reader.rows : taken
            rowsTotal.withLock { $0 = total }
        }
    }

    package func remark(_ line: String) { if !isQuiet { messages.line(CellWidth.sanitized(line)) } }

    package func badRow(_ error: RetortError) {
        let count = badRows.withLock { count in
            count += 1
            return count
        }
        if isQuiet { return }
        if count <= Self.badRowsShownMax {
            messages.line(messages.palette.yellow("bad row: ") + CellWidth.sanitized(error.description))
        } else if count == Self.badRowsShownMax + 1 {
            messages.line("further bad rows are not shown; they are in failures/ with class bad_input")
        }
    }

    /// The current counts of the input's items.
    package func standing(_ progress: Progress) -> RunStanding {
        let read = source.reading
        let counted: UInt64? = rowsTotal.withLock { $0 }
        return RunStanding(
            progress, read, store.counters, before: before, input: input,
            rows: read.isComplete ? read.rowsOfShard ?? read.rows : counted,
            samples: samples, storedSamples: store.manifest.samples, isPartial: !range.isWhole)
    }

    private func fill(_ snapshot: inout ProgressSnapshot, _ progress: Progress) {
        let standing = standing(progress)
        snapshot.total = standing.total
        snapshot.done = standing.done
        snapshot.failed = standing.failed
        snapshot.resumed = standing.earlier
        snapshot.cost = Spending(store.counters, mark: store.mark, notes: store.manifest.notes).dollars
    }
}
