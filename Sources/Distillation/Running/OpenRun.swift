import Basics
import Dataset
import HTTPTransport
import PromptSource
import ResponseGenerator
import SegmentStore

/// A run over an input and its opened store: what is the same whether requests are sent one by one or in batches.
struct OpenRun {
    let session: RunSession
    let input: InputSet
    let store: RecordStore
    /// What the store held when the run began.
    let before: StoreCounters
    /// What superseded answers have cost, in nanodollars, where a cap needs it; nil: it is read at the end.
    let superseded: Int?
    let issued = IssuedKeys()
    let goal: AcceptedGoal?
    let recorder: Recorder
    let source: PlannedSource
    let reporter: RunReporter
    /// How often the run was interrupted.
    let signals = Locked(0)
    private let codec: RecordCodec
    private let standing: InputStanding
    private let reading: SourceReading
    private let siblings: SiblingStores?
    private let publisher: RunPublisher

    /// - Parameter library: answers that may be used again; nil in batches.
    init(
        _ session: RunSession, _ input: InputSet, _ store: RecordStore, _ loop: EventLoop, library: AnswerLibrary?
    ) throws(RetortError) {
        let settings = session.settings
        (self.session, self.input, self.store) = (session, input, store)
        before = store.counters
        superseded = try settings.pricing.limit.map { _ throws(RetortError) in try session.costOfSuperseded() }
        let noted = store.manifest
        standing = try InputStanding.begin(
            input, store, samples: settings.samples, shard: settings.shard, looksElsewhere: !settings.siblings.isEmpty
        ) { () throws(RetortError) in
            try session.refuseChangedRows(input, store)
        }
        siblings = try session.siblingStores(store)
        codec = try session.codec()
        goal = session.goal(before, store)
        recorder = Recorder(
            store, codec: codec, issued: issued, watch: session.live?.watch, goal: goal, library: library)
        source = PlannedSource(held: before.done + before.failed, goal: goal)
        reading = session.reading(input, store, standing, noted: noted, issued)
        publisher = RunPublisher(
            settings, command: "run", watch: session.live?.watch, onProgress: session.onProgress)
        reporter = RunReporter(
            session.messages, store: store, source: source, input: standing, before: before,
            samples: settings.samples, range: settings.rows, meter: HealthMeter(loop), isQuiet: session.isQuiet,
            publisher: publisher)
    }

    /// Starts counting the input's rows, for the display.
    func count() {
        reporter.count(
            input, session.settings, scheme: RowScheme(store.manifest.job), known: store.manifest.input?.rows,
            isFollowing: reading.watch != nil)
    }

    /// Starts planning the input's rows, on a thread of its own.
    /// - Parameter batches: keys that a batch has, which are not planned.
    func start(batches: BatchKeys?, verifier: RunVerifier?) {
        let settings = session.settings
        source.start(
            input: input, from: standing.start(of: input, store, settings.rows), settings.rows, store: store,
            recorder: recorder, reading: reading,
            planner: { [input, store, issued, codec, standing, reading, siblings] () throws(RetortError) in
                RowPlanner(
                    settings, input: input, store: store, issued: issued, codec: codec, standing: standing,
                    isCompared: reading.watch == nil || settings.onChange == .rerun, siblings: siblings,
                    prior: try PriorRounds(of: store, settings.generator.classifier, verifier: verifier),
                    batches: batches)
            },
            onBadRow: { [reporter] in reporter.badRow($0) }, onRemark: { [reporter] in reporter.remark($0) })
    }

    /// The result of the run. Also notes in the store how far its input was read.
    func end(_ summary: RunSummary, _ complete: (inout RunResult) -> Void) throws(RetortError) -> RunResult {
        let settings = session.settings
        let reached = reporter.standing(summary.progress)
        // Whether the run covers everything that the store is for.
        let isWhole =
            settings.samples == store.manifest.samples && input.isRepeatable && settings.rows.isWhole
            && settings.shard == nil
        if reached.pending == 0, reached.failed == 0, summary.ending == .completed, isWhole {
            try standing.settle(input, rows: source.reading.rows, store)
        }
        try session.noteEnd(of: reading, input, store, standing, isWhole: isWhole, summary, reached)
        var result = RunResult(
            summary: summary, standing: reached, counters: store.counters,
            spending: session.spending(of: store, superseded: superseded), simulatorCounts: nil,
            wasInterrupted: signals.withLock { $0 } > 0)
        result.tornEnd = source.reading.tornEnd
        result.part = ShardResult(settings.shard, source.reading)
        complete(&result)
        publisher.end(result)
        return result
    }
}
