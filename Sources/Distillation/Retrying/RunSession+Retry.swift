package import Basics
import BatchDelivery
import CommandLine
package import Dataset
import HTTPTransport
package import ModelAPI
import ModelSimulator
package import ResponseGenerator
package import SegmentStore

extension RunSession {
    /// Sends the store's failed items of these classes again. The work grows with the number of failures only.
    package func retry(
        _ classes: Set<FailureClass>, override: RequestOverride?, edits: RequestEdits? = nil
    ) async throws(RetortError) -> RunResult {
        try BatchGuard.checkRetry(settings)
        return try await session(
            open: { () throws(RetortError) in
                let store = try RecordStore.open(settings.out, options: storeOptions)
                try BatchGuard.settle(store, BatchJournal(of: settings.out))
                try settings.noteServers(in: store, replacing: false)
                try edits?.write(to: store)
                try keepInstructions(in: store)
                return store
            },
            drive: { (session, store, transport, loop) throws(RetortError) in
                if let batch = session.settings.batch {
                    return try await session.driveBatchRetry(batch, classes, store, transport, loop)
                }
                let verifier = try await session.runVerifier()
                // Opened after the store: by then every failure is in a segment.
                let source = try FailedItems(
                    of: settings.out, classes: classes, override: override, edits: edits,
                    told: try ToldSchema(settings, of: store.manifest),
                    reuse: settings.reuse, order: settings.order, streaming: try streamingOverride(),
                    pricing: settings.pricing,
                    model: settings.parameters.model,
                    prior: try PriorRounds(of: store, settings.generator.classifier, verifier: verifier))
                return try await session.driveRetry(
                    source, store, transport, loop, verifier, isOtherJob: override != nil || edits != nil)
            })
    }

    /// Stores the instructions that a retry's requests contain under the store's current schema.
    private func keepInstructions(in store: RecordStore) throws(RetortError) {
        guard let told = ToldInstructions(of: store.manifest), let check = settings.check else { return }
        let instructions = SchemaInstructions(template: told.template)
        try ToldInstructions.add(instructions, instructions.text(check.schema), to: store)
    }

    /// Makes a stored request ask for a stream; nil if no stream is wanted.
    private func streamingOverride() throws(RetortError) -> RequestOverride? {
        guard settings.streams else { return nil }
        var parameters = RequestParameters(model: "")
        parameters.extra = settings.endpoint.dialect.streamMembers
        return try RequestOverride(parameters, endpoint: settings.endpoint)
    }

    private func driveRetry(
        _ source: FailedItems, _ store: RecordStore, _ transport: HTTPTransport, _ loop: EventLoop,
        _ verifier: RunVerifier?, isOtherJob: Bool
    ) async throws(RetortError) -> RunResult {
        let superseded = try settings.pricing.limit.map { _ throws(RetortError) in try costOfSuperseded() }
        let library = try answerLibrary(of: store)
        defer { library?.stop() }
        let recorder = Recorder(
            store, codec: try codec(), issued: IssuedKeys(), watch: live?.watch, library: library)
        let reporter = RetryReporter(
            RunDisplay(messages, store: store, meter: HealthMeter(loop)), total: source.count, store: store,
            publisher: RunPublisher(settings, command: "retry", watch: live?.watch))
        let generator = try ResponseGenerator<ItemContext>(
            generatorConfiguration(
                store, store.counters,
                Spending(
                    store.counters, mark: store.mark, superseded: superseded ?? 0, notes: store.manifest.notes),
                isOtherJob: isOtherJob, memory: library),
            transports: transports(transport) { watched($0, store) },
            clock: LoopClock(loop: loop), executor: loop, observer: reporter)
        let signals = Locked(0)
        watchSignals(generator, signals) { source.cancel() }
        let summary = await generator.run(source: source, sink: recorder, verifier: verifier)
        await verifier?.close()
        reporter.finish(summary.progress)
        await shutdown(transport)
        let standing = RunStanding(retried: source.count, summary.progress)
        let result = RunResult(
            summary: summary, standing: standing, counters: store.counters,
            spending: spending(of: store, superseded: superseded), simulatorCounts: nil,
            wasInterrupted: signals.withLock { $0 } > 0)
        reporter.publisher.end(result)
        return result
    }
}

/// Shows a retry's progress: of the retried items, not of the store.
package final class RetryReporter: ProgressObserver {
    private let display: RunDisplay
    private let total: Int
    private let store: RecordStore
    package let publisher: RunPublisher

    package init(_ display: RunDisplay, total: Int, store: RecordStore, publisher: RunPublisher) {
        self.display = display
        self.total = total
        self.store = store
        self.publisher = publisher
    }

    package func progress(_ progress: Progress) {
        display.show(progress) { fill(&$0, progress) }
        publisher.update(
            progress, paused: RunDisplay.pausedReason(progress, trouble: store.trouble),
            cost: Spending(store.counters, mark: store.mark, notes: store.manifest.notes).dollars
        ) { RunStanding(retried: total, progress) }
    }

    package func finish(_ progress: Progress) { display.finish(progress) { fill(&$0, progress) } }

    private func fill(_ snapshot: inout ProgressSnapshot, _ progress: Progress) {
        snapshot.total = total
        snapshot.done = progress.answered
        snapshot.failed = progress.failed
    }
}
