package import Basics
import BatchDelivery
import CommandLine
import Dataset
import Glibc
package import HTTPTransport
import ModelAPI
package import PromptSource
package import ResponseGenerator
package import SegmentStore

/// A run through the provider's batch API: the same source, planner, recorder and store with another delivery.
extension RunSession {
    package func driveBatch(
        _ batch: BatchSettings, _ input: InputSet, _ store: RecordStore, _ transport: HTTPTransport, _ loop: EventLoop
    ) async throws(RetortError) -> RunResult {
        let before = store.counters
        let superseded = try settings.pricing.limit.map { _ throws(RetortError) in try costOfSuperseded() }
        let noted = store.manifest
        let standing = try InputStanding.begin(
            input, store, samples: settings.samples, shard: settings.shard, looksElsewhere: !settings.siblings.isEmpty
        ) { () throws(RetortError) in
            try refuseChangedRows(input, store)
        }
        let siblings = try siblingStores(store)
        let codec = try codec()
        let issued = IssuedKeys()
        let recorder = Recorder(store, codec: codec, issued: issued, watch: live?.watch)
        let source = PlannedSource(held: before.done + before.failed)
        let reading = reading(input, store, standing, noted: noted, issued)
        let publisher = RunPublisher(settings, command: "run", watch: live?.watch)
        let reporter = RunReporter(
            messages, store: store, source: source, input: standing, before: before, samples: settings.samples,
            range: settings.rows, meter: HealthMeter(loop), isQuiet: isQuiet, publisher: publisher)
        let keys = BatchKeys()
        let sender = try transport.bulk(beside: settings.endpoint.dialect.path)
        let (signals, stopAsked) = (Locked(0), Locked(false))
        let courier = try batchCourier(
            batch, store, recorder, issued, keys, sender, loop, reporter, stopAsked, superseded: superseded ?? 0)
        watchSignals(signals, stopAsked, sender) { source.cancel() }
        reporter.count(
            input, settings, scheme: RowScheme(store.manifest.job), known: store.manifest.input?.rows,
            isFollowing: reading.watch != nil)
        let settings = settings
        source.start(
            input: input, from: standing.start(of: input, store, settings.rows), settings.rows, store: store,
            recorder: recorder, reading: reading,
            planner: { () throws(RetortError) in
                RowPlanner(
                    settings, input: input, store: store, issued: issued, codec: codec, standing: standing,
                    isCompared: reading.watch == nil || settings.onChange == .rerun, siblings: siblings,
                    prior: try PriorRounds(of: store, settings.generator.classifier), batches: keys)
            },
            onBadRow: { reporter.badRow($0) }, onRemark: { reporter.remark($0) })
        let summary = await courier.run(source)
        source.close()
        reporter.finish(summary.progress)
        if !isQuiet, settings.route == nil, let line = BatchText.leaving(courier.journal.open) { messages.line(line) }
        await transport.shutdown()
        var result = try concluded(
            summary, reporter.standing(summary.progress), source, reading, input, standing, store,
            superseded: superseded, wasInterrupted: signals.withLock { $0 } > 0)
        result.twice = courier.twice
        publisher.end(result)
        return result
    }

    package func batchCourier(
        _ batch: BatchSettings, _ store: RecordStore, _ recorder: Recorder, _ issued: IssuedKeys, _ keys: BatchKeys,
        _ sender: BulkTransport, _ loop: EventLoop, _ reporter: any ProgressObserver, _ stopAsked: Locked<Bool>,
        superseded: Int, isRetry: Bool = false
    ) throws(RetortError) -> BatchCourier {
        let journal = try BatchJournal(of: settings.out)
        let spending = Spending(store.counters, mark: store.mark, superseded: superseded, notes: store.manifest.notes)
        let (messages, isQuiet) = (messages, isQuiet)
        let parts = BatchCourier.Parts(
            settings: settings, batch: batch, store: store, recorder: recorder, issued: issued, keys: keys,
            caller: BatchCaller(dialect: batch.dialect, sender: sender, secrets: settings.secrets),
            clock: LoopClock(loop: loop), isRetry: isRetry, say: { if !isQuiet { messages.line($0) } },
            publish: { reporter.progress($0) })
        // What probes of the server may have cost is beside the mark.
        let probed = spending.uncertainMax - Int(clamping: max(0, store.mark))
        let spent = spending.recorded.addingSaturated(probed)
        let books = BatchBooks(limit: settings.pricing.limit, spent: spent, at: loop.now)
        let courier = try BatchCourier(parts, journal, books, stopAsked: stopAsked)
        try courier.adopt()
        return courier
    }

    package func watchSignals(
        _ signals: Locked<Int>, _ stopAsked: Locked<Bool>, _ sender: BulkTransport,
        cancel: @escaping @Sendable () -> Void
    ) {
        let messages = messages
        live?.control.attach {
            signals.withLock { $0 = max($0, 1) }
            cancel()
            stopAsked.withLock { $0 = true }
        }
        SignalWatcher.onSignal { count in
            signals.withLock { $0 = count }
            cancel()
            stopAsked.withLock { $0 = true }
            switch count {
            case 1:
                messages.line(
                    "interrupted: batches go on at the provider; press Ctrl-C again to break off a transfer")
            case 2: sender.cancel()
            default: _exit(ExitCode.interrupted.rawValue)
            }
        }
    }
}
