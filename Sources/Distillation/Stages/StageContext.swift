import Basics
package import ModelAPI
package import ResponseGenerator
package import SegmentStore
package import StageSource

/// What a run has to do with the other stages of its pipeline.
package final class StageContext: Sendable {
    package let number: Int
    package let name: String
    package let pipeline: SharedByStages
    /// Says when the stage that it reads from gets no more records; nil: its input is no stage.
    package let source: SourceWatch?
    /// The same of all stages that it reads from, by their names.
    package let watches: [String: SourceWatch]
    /// Where verdicts on its answers go while it has its store open; nil: no stage judges it.
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

    /// The stage's store is open, or never will be: stages that read from it may begin, or not. The first word counts.
    package func hasOpened(_ isOpen: Bool) {
        let waiting = opened.withLock { opening -> [CheckedContinuation<Bool, Never>] in
            guard case .awaited(let waiting) = opening else { return [] }
            opening = .known(isOpen)
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: isOpen) }
    }

    /// Whether the stage's store has been opened, once that is known.
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

    /// The transport behind the window of its server.
    package func gated(_ transport: any ModelTransport, _ settings: RunSettings) -> any ModelTransport {
        guard let gate = pipeline.gates[settings.baseURL] else { return transport }
        return GatedTransport(base: transport, gate: gate, stage: number)
    }

    /// What the stage may have in flight at its server from now on.
    package func setConcurrency(_ concurrency: Int, _ settings: RunSettings) {
        pipeline.gates[settings.baseURL]?.set(concurrency, stage: number)
    }

    /// The budget with what other stages may spend as well.
    package func sharing(_ budget: Budget?) -> Budget? {
        guard let budget, let pool = pipeline.pool else { return budget }
        return Budget(sharing: pool, spent: budget.spent, uncertain: budget.uncertain)
    }
}

/// What all stages of a pipeline have in common.
package final class SharedByStages: Sendable {
    /// Where the built-in model server is; nil without one.
    package let simulatorURL: String?
    package let pool: BudgetPool?
    /// By base URL.
    package let gates: [String: StageGate]
    private let isEnding = Locked(false)
    private let stops = Locked<(count: Int, actions: [@Sendable (Int) -> Void])>((0, []))

    package init(simulatorURL: String?, pool: BudgetPool?, gates: [String: StageGate]) {
        (self.simulatorURL, self.pool, self.gates) = (simulatorURL, pool, gates)
    }

    /// Registers what a stage does at a signal, which is given the number of the signal. One that has come already counts.
    package func onSignal(_ action: @escaping @Sendable (Int) -> Void) {
        let count = stops.withLock { stops in
            stops.actions.append(action)
            return stops.count
        }
        if count > 0 { action(count) }
    }

    /// A signal has come, the number so many.
    package func signal(_ count: Int) {
        let actions = stops.withLock { stops in
            stops.count = count
            return stops.actions
        }
        for action in actions { action(count) }
    }

    /// No further stage begins; those that run are told to end one by one.
    package func end() { isEnding.withLock { $0 = true } }

    /// Whether a signal has come.
    package var wasInterrupted: Bool { stops.withLock { $0.count > 0 } }

    package var isStopping: Bool { wasInterrupted || isEnding.withLock { $0 } }
}
