import Basics
package import ModelAPI
package import ResponseGenerator
package import SegmentStore
package import StageSource

/// A run's connections to the other stages of its pipeline.
package final class StageContext: Sendable {
    package let number: Int
    package let name: String
    package let pipeline: SharedByStages
    /// Says when the stage that it reads from gets no more records; nil: its input is not a stage.
    package let source: SourceWatch?
    /// The watches of all stages that it reads from, by name.
    package let watches: [String: SourceWatch]
    /// Receives verdicts on its answers; nil: no stage judges it.
    package let desk: VerdictDesk?
    private let opened = Locked<Opening>(.awaited([]))

    private enum Opening {
        case awaited([CheckedContinuation<Bool, Never>])
        case known(Bool)
    }

    package init(
        _ number: Int, _ stage: Pipeline.Stage, _ pipeline: SharedByStages, watches: [String: SourceWatch],
        desk: VerdictDesk?
    ) {
        (self.number, name, self.pipeline, self.watches) = (number, stage.name, pipeline, watches)
        (source, self.desk) = (stage.from.flatMap { watches[$0] }, desk)
    }

    /// The stage's store is open.
    package func hasOpened(_ store: RecordStore, _ recorder: Recorder) {
        desk?.serve(store, recorder)
        hasOpened(true)
    }

    /// Reports whether the stage's store was opened, so that stages that read from it can begin or end. Only the first
    /// report counts.
    package func hasOpened(_ isOpen: Bool) {
        let waiting = opened.withLock { opening -> [CheckedContinuation<Bool, Never>] in
            guard case .awaited(let waiting) = opening else { return [] }
            opening = .known(isOpen)
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: isOpen) }
    }

    /// Whether the stage's store has been opened; waits until that is known.
    package var isOpen: Bool {
        get async {
            await withCheckedContinuation { continuation in
                let known = opened.withLock { opening -> Bool? in
                    switch opening {
                    case .known(let isOpen): return isOpen
                    case .awaited(let waiting):
                        opening = .awaited(waiting + [continuation])
                        return nil
                    }
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }

    /// The transport, limited by the window of its server.
    package func gated(_ transport: any ModelTransport, _ settings: RunSettings) -> any ModelTransport {
        guard let gate = pipeline.gates[settings.baseURL] else { return transport }
        return GatedTransport(base: transport, gate: gate, stage: number)
    }

    /// Changes the stage's maximum requests in flight at its server.
    package func setConcurrency(_ concurrency: Int, _ settings: RunSettings) {
        pipeline.gates[settings.baseURL]?.set(concurrency, stage: number)
    }

    /// The budget, shared with the other stages.
    package func sharing(_ budget: Budget?) -> Budget? {
        guard let budget, let pool = pipeline.pool else { return budget }
        return Budget(sharing: pool, spent: budget.spent, uncertain: budget.uncertain)
    }
}

/// State shared by all stages of a pipeline.
package final class SharedByStages: Sendable {
    /// The URL of the built-in model server; nil without one.
    package let simulatorURL: String?
    package let pool: BudgetPool?
    /// By base URL.
    package let gates: [String: StageGate]
    private let isEnding = Locked(false)
    private let stops = Locked<(count: Int, actions: [@Sendable (Int) -> Void])>((0, []))

    package init(simulatorURL: String?, pool: BudgetPool?, gates: [String: StageGate]) {
        (self.simulatorURL, self.pool, self.gates) = (simulatorURL, pool, gates)
    }

    /// Registers a stage's signal handler, which gets the number of the signal. A signal that came earlier is reported
    /// at once.
    package func onSignal(_ action: @escaping @Sendable (Int) -> Void) {
        let count = stops.withLock { stops in
            stops.actions.append(action)
            return stops.count
        }
        if count > 0 { action(count) }
    }

    /// Passes on a signal; `count` is its number.
    package func signal(_ count: Int) {
        let actions = stops.withLock { stops in
            stops.count = count
            return stops.actions
        }
        for action in actions { action(count) }
    }

    /// Prevents further stages from beginning; active ones are ended individually.
    package func end() { isEnding.withLock { $0 = true } }

    /// Whether a signal was received.
    package var wasInterrupted: Bool { stops.withLock { $0.count > 0 } }

    package var isStopping: Bool { wasInterrupted || isEnding.withLock { $0 } }
}
