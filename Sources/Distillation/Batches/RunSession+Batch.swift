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

/// A run through the provider's batch API: source, planner, recorder and store are those of a live run; only the
/// delivery differs.
extension RunSession {
    package func driveBatch(
        _ batch: BatchSettings, _ input: InputSet, _ store: RecordStore, _ transport: HTTPTransport, _ loop: EventLoop
    ) async throws(RetortError) -> RunResult {
        let run = try OpenRun(self, input, store, loop, library: nil)
        let keys = BatchKeys()
        let sender = try transport.bulk(beside: settings.endpoint.dialect.path)
        let stopAsked = Locked(false)
        let courier = try batchCourier(
            batch, store, run.recorder, run.issued, keys, sender, loop, run.reporter, stopAsked,
            superseded: run.superseded ?? 0)
        watchSignals(run.signals, stopAsked, sender) { run.source.cancel() }
        run.count()
        run.start(batches: keys, verifier: nil)
        let summary = await courier.run(run.source)
        run.source.close()
        run.reporter.finish(summary.progress)
        if !isQuiet, settings.route == nil, let line = BatchText.leaving(courier.journal.open) { messages.line(line) }
        await transport.shutdown()
        return try run.end(summary) { $0.twice = courier.twice }
    }

    package func batchCourier(
        _ batch: BatchSettings, _ store: RecordStore, _ recorder: Recorder, _ issued: IssuedKeys, _ keys: BatchKeys,
        _ sender: BulkLanes, _ loop: EventLoop, _ reporter: any ProgressObserver, _ stopAsked: Locked<Bool>,
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
        let books = BatchBooks(limit: settings.pricing.limit, spent: spending.settled, at: loop.now)
        let courier = try BatchCourier(parts, journal, books, stopAsked: stopAsked)
        try courier.adopt()
        return courier
    }

    package func watchSignals(
        _ signals: Locked<Int>, _ stopAsked: Locked<Bool>, _ sender: BulkLanes,
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
                    "interrupted: batches continue at the provider; press Ctrl-C again to break off a transfer")
            case 2: sender.cancel()
            default: _exit(ExitCode.interrupted.rawValue)
            }
        }
    }
}
