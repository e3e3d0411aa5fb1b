package import Basics
import BatchDelivery
import CommandLine
import Dataset
package import HTTPTransport
package import ModelAPI
import ResponseGenerator
package import SegmentStore

/// A retry through the provider's batch API. Batches that earlier runs have in progress are resumed with it.
extension RunSession {
    package func driveBatchRetry(
        _ batch: BatchSettings, _ classes: Set<FailureClass>, _ store: RecordStore, _ transport: HTTPTransport,
        _ loop: EventLoop
    ) async throws(RetortError) -> RunResult {
        let superseded = try settings.pricing.limit.map { _ throws(RetortError) in try costOfSuperseded() }
        let issued = IssuedKeys()
        let keys = BatchKeys()
        let recorder = Recorder(store, codec: try codec(), issued: issued, watch: live?.watch)
        // Opened after the store: by then every failure is in a segment.
        let source = try FailedItems(
            of: settings.out, classes: classes, override: nil,
            told: try ToldSchema(settings, of: store.manifest),
            pricing: settings.pricing, model: settings.parameters.model,
            prior: try PriorRounds(of: store, settings.generator.classifier), batches: keys)
        let reporter = RetryReporter(
            RunDisplay(messages, store: store, meter: HealthMeter(loop)), total: source.count, store: store,
            publisher: RunPublisher(settings, command: "retry", watch: live?.watch))
        let sender = try transport.bulk(beside: settings.endpoint.dialect.path)
        let (signals, stopAsked) = (Locked(0), Locked(false))
        let courier = try batchCourier(
            batch, store, recorder, issued, keys, sender, loop, reporter, stopAsked, superseded: superseded ?? 0,
            isRetry: true)
        watchSignals(signals, stopAsked, sender) { source.cancel() }
        let summary = await courier.run(source)
        reporter.finish(summary.progress)
        if !isQuiet, let line = BatchText.leaving(courier.journal.open) { messages.line(line) }
        await transport.shutdown()
        let result = RunResult(
            summary: summary, standing: RunStanding(retried: source.count, summary.progress), counters: store.counters,
            spending: spending(of: store, superseded: superseded), simulatorCounts: nil,
            wasInterrupted: signals.withLock { $0 } > 0)
        reporter.publisher.end(result)
        return result
    }
}
