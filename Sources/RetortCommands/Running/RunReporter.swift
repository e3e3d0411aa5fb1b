import Basics
import CommandLine
import ModelAPI
import PromptSource
import ResponseGenerator
import SegmentStore

/// Shows how a run is going: the generator's progress with the store's totals.
final class RunReporter: ProgressObserver {
    private let messages: MessageStream
    private let store: RecordStore
    private let source: PlannedSource
    private let input: InputStanding
    /// What the store held when the run began.
    private let before: StoreCounters
    /// Rows of the input, counted ahead by a thread of its own.
    private let rowsTotal = Locked<UInt64?>(nil)
    private let isCounting = Locked(true)
    private let samples: Int
    private let badRows = Locked(0)
    private let drawn = Locked(Instant(nanoseconds: 0))
    private let isQuiet: Bool

    /// Bad rows named one by one; the rest is only counted.
    static let badRowsShownMax = 10
    /// The least time between two drawings.
    static let drawInterval = Interval.milliseconds(100)

    init(
        _ messages: MessageStream, store: RecordStore, source: PlannedSource, input: InputStanding,
        before: StoreCounters, samples: Int,
        isQuiet: Bool
    ) {
        self.messages = messages
        self.store = store
        self.source = source
        self.input = input
        self.before = before
        self.samples = samples
        self.isQuiet = isQuiet
    }

    func progress(_ progress: Progress) {
        let now = Instant.now
        let isDue = drawn.withLock { last in
            guard now - last >= Self.drawInterval else { return false }
            last = now
            return true
        }
        if isDue { messages.show(snapshot(progress), now: now) }
    }

    func finish(_ progress: Progress) { messages.finish(snapshot(progress), now: .now) }

    /// Counts the input's rows, for the total and the time left. Only files that can be read again.
    func count(_ input: InputSet, known: UInt64?) {
        if let known {
            rowsTotal.withLock { $0 = known }
            return
        }
        guard input.files.allSatisfy({ $0.kind == .regular }) else { return }
        WorkThread.start { [self] in
            let reader = RowReader(input)
            while let row = try? reader.next() {
                if row.number % 4096 == 0, !isCounting.withLock({ $0 }) { return }
            }
            let total = reader.landmark.row
            rowsTotal.withLock { $0 = total }
        }
    }

    func stopCounting() { isCounting.withLock { $0 = false } }

    func badRow(_ error: RetortError) {
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

    /// How the input stands by now.
    func standing(_ progress: Progress) -> RunStanding {
        let read = source.reading
        let counted: UInt64? = rowsTotal.withLock { $0 }
        return RunStanding(
            progress, read, store.counters, before: before, input: input, rows: read.isComplete ? read.rows : counted,
            samples: samples)
    }

    private func snapshot(_ progress: Progress) -> ProgressSnapshot {
        let standing = standing(progress)
        var snapshot = ProgressSnapshot(
            total: standing.total, done: standing.done, failed: standing.failed, resumed: standing.earlier,
            inFlight: progress.inFlight, retrying: progress.waiting, rate: progress.itemsPerSecond,
            promptTokens: progress.usage.prompt, completionTokens: progress.usage.completion,
            elapsed: progress.elapsed)
        let seconds = progress.elapsed.seconds
        if seconds > 0 { snapshot.tokenRate = Double(progress.usage.completion) / seconds }
        if let pending = standing.pending, progress.itemsPerSecond > 0 {
            snapshot.remaining = .seconds(Double(pending) / progress.itemsPerSecond)
        }
        snapshot.cost = Pricing.cost(of: store.counters)
        snapshot.note = Self.note(progress)
        snapshot.pausedReason = Self.pausedReason(progress, trouble: store.trouble)
        return snapshot
    }

    /// What the last items wait for.
    static func note(_ progress: Progress) -> String {
        var parts: [String] = []
        if progress.waiting > 0 {
            let classes = progress.waitingByClass.filter { $0.value > 0 }.map { "\($0.value) \($0.key.rawValue)" }
            let due = progress.nextRetryIn.map { ", next in \(Human.duration($0))" } ?? ""
            parts.append("retry waits: \(classes.sorted().joined(separator: ", "))\(due)")
        }
        if let oldest = progress.oldestInFlight, oldest > .seconds(1) {
            parts.append("waiting for \(progress.inFlight) requests, the oldest for \(Human.duration(oldest))")
        }
        return parts.joined(separator: "; ")
    }

    /// What keeps requests from going out; nil when nothing does.
    static func pausedReason(_ progress: Progress, trouble: RetortError?) -> String? {
        if let trouble { return trouble.message }
        return switch progress.hold {
        case .none, .draining: nil
        case .rateLimit: "rate limit"
        case .budget: "the rest of the budget is set aside for what is in flight"
        case .serverDown: "the server is down; probing"
        case .sinkPressed: "the disk does not keep up"
        case .outOfSpace: "no space left on the disk"
        }
    }
}
