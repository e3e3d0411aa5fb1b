package import Basics
package import CommandLine
import Dataset
import Glibc
package import ModelSimulator
import ResponseGenerator
import SegmentStore
import StageSource

/// Runs the stages of a pipeline at the same time: an item enters the next stage as soon as its record is on disk.
package struct PipelineSession: Sendable {
    package let pipeline: Pipeline
    package let messages: MessageStream
    package let isQuiet: Bool
    private let live: LiveMonitor

    package init(pipeline: Pipeline, messages: MessageStream, isQuiet: Bool, live: LiveMonitor) {
        self.live = live
        self.pipeline = pipeline
        self.messages = messages
        self.isQuiet = isQuiet
    }

    /// How a stage ended; nil: it never began.
    package typealias Ending = Swift.Result<RunResult, RetortError>

    package struct Result: Sendable {
        package var endings: [Ending?]
        package var simulatorCounts: SimulatorCounts?
        package var wasInterrupted: Bool
    }

    package func run() async throws(RetortError) -> Result {
        try check()
        let files = PosixFileSystem()
        try files.createDirectory(pipeline.root)
        // The lock covers all stages: another process may have finished one stage and be running the next.
        let lock = try files.lock("\(pipeline.root)/\(PipelineLayout.lockName)")
        defer { lock.release() }
        try PipelineLayout(pipeline).save()
        let simulator = try startSimulator()
        defer { simulator?.stop() }
        let shared = SharedByStages(
            simulatorURL: simulator?.baseURL, pool: try pool(), gates: gates())
        let streams = messages.parts(pipeline.stages.map(\.name))
        watchSignals(shared)
        live.begin(shared, in: pipeline.root)
        defer { live.close() }
        let contexts = contexts(shared)
        let deliveries = deliveries(contexts)
        let undelivered = Locked<[Int: RetortError]>([:])
        var endings: [Ending?] = pipeline.stages.map { _ in nil }
        await withTaskGroup(of: (Int, Ending?)?.self) { group in
            for number in pipeline.stages.indices {
                group.addTask {
                    let ending = await run(number, contexts, streams[number])
                    contexts[number].hasOpened(false)
                    contexts[number].desk?.release()
                    let name = pipeline.stages[number].name
                    for context in contexts { context.watches[name]?.end() }
                    for delivery in deliveries where delivery.judge == name { delivery.watch.end() }
                    return (number, ending)
                }
            }
            for delivery in deliveries {
                group.addTask {
                    await deliver(delivery, contexts, undelivered)
                    return nil
                }
            }
            for await ended in group { if let (number, ending) = ended { endings[number] = ending } }
        }
        for (number, error) in undelivered.withLock({ $0 }) { endings[number] = .failure(error) }
        for context in contexts { try context.desk?.close() }
        messages.endParts()
        return Result(endings: endings, simulatorCounts: simulator?.counts, wasInterrupted: shared.wasInterrupted)
    }

    private func contexts(_ shared: SharedByStages) -> [StageContext] {
        pipeline.stages.enumerated().map { number, stage in
            let watches = Dictionary(uniqueKeysWithValues: stage.origins.map { ($0, SourceWatch()) })
            let isJudged = pipeline.stages.contains { $0.judges?.stage == stage.name }
            return StageContext(
                number, stage, shared, watches: watches, desk: isJudged ? VerdictDesk(stage.settings.out) : nil)
        }
    }

    /// The tasks that write judges' verdicts into the judged stages.
    private func deliveries(_ contexts: [StageContext]) -> [VerdictDelivery] {
        pipeline.stages.compactMap { stage in
            guard let judges = stage.judges, let judged = contexts.first(where: { $0.name == judges.stage }),
                let desk = judged.desk
            else { return nil }
            return VerdictDelivery(
                judge: stage.name, root: stage.settings.out, judged: "\(pipeline.root)/\(judged.name)",
                rule: judges.rule, desk: desk, watch: SourceWatch())
        }
    }

    private func deliver(
        _ delivery: VerdictDelivery, _ contexts: [StageContext], _ undelivered: Locked<[Int: RetortError]>
    ) async {
        guard let context = contexts.first(where: { $0.name == delivery.judge }), await context.isOpen else { return }
        await withCheckedContinuation { continuation in
            WorkThread.start(givesWay: true) {
                do throws(RetortError) {
                    try delivery.run()
                } catch { undelivered.withLock { $0[context.number] = error } }
                continuation.resume()
            }
        }
    }

    private func run(_ number: Int, _ contexts: [StageContext], _ stream: MessageStream) async -> Ending? {
        let stage = pipeline.stages[number]
        for context in contexts where stage.origins.contains(context.name) {
            guard await context.isOpen else { return nil }
        }
        if contexts[number].pipeline.isStopping { return nil }
        let session = RunSession(
            settings: stage.settings, messages: stream, isQuiet: isQuiet, stage: contexts[number],
            live: live.stage(number))
        // Also runs when the stage ends with an error.
        defer { live.stage(number).watch.abandon() }
        do throws(RetortError) {
            return .success(try await session.runToGoal())
        } catch {
            return .failure(error)
        }
    }

    /// Checks all stages in advance: a stage that fails its check would otherwise stop after others have sent requests.
    private func check() throws(RetortError) {
        for stage in pipeline.stages {
            let settings = stage.settings
            guard let manifest = try RecordStore.manifest(of: settings.out) else { continue }
            let job = JobDescription(settings).adopting(manifest)
            let counters = try StoreReader(settings.out, options: StoreAccess.options).counters
            guard counters.done + counters.failed > 0 else { continue }
            do throws(RetortError) {
                try job.check(against: manifest.job, at: settings.out, onChange: settings.onChange)
            } catch {
                var error = error
                // The refusal is reported even if the estimate fails.
                if let edited = try? EditedStages(pipeline), !edited.isEmpty, settings.onChange != .rerun {
                    error.remedy = (error.remedy ?? "") + " A rerun sends \(edited.text)."
                }
                throw error
            }
        }
        guard !isQuiet, pipeline.stages.contains(where: { $0.settings.onChange == .rerun }) else { return }
        let edited = try EditedStages(pipeline)
        if !edited.isEmpty { messages.line("edited: sends again \(edited.text)") }
    }

    private func startSimulator() throws(RetortError) -> ModelSimulator? {
        guard let configuration = pipeline.stages.lazy.compactMap(\.settings.simulator).first else { return nil }
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        return simulator
    }

    /// The budget of all stages together; nil without a limit.
    private func pool() throws(RetortError) -> BudgetPool? {
        guard let limit = pipeline.stages.lazy.compactMap(\.settings.pricing.limit).max() else { return nil }
        var spent = 0
        for stage in pipeline.stages where StoreAccess.isStore(stage.settings.out) {
            let spending = try Spending(of: try StoreReader(stage.settings.out, options: StoreAccess.options))
            spent = spent.addingSaturated(spending.recorded).addingSaturated(spending.uncertainMax)
        }
        return BudgetPool(limit: limit, spent: spent)
    }

    /// A window for each server that several stages use.
    private func gates() -> [String: StageGate] {
        var gates: [String: StageGate] = [:]
        let stages = pipeline.stages.enumerated()
        for (url, users) in Dictionary(grouping: stages, by: \.element.settings.baseURL) where users.count > 1 {
            let concurrency = users.map { ($0.offset, $0.element.settings.generator.concurrency) }
            gates[url] = StageGate(Dictionary(uniqueKeysWithValues: concurrency), stages: pipeline.stages.count)
        }
        return gates
    }

    private func watchSignals(_ shared: SharedByStages) {
        let messages = messages
        SignalWatcher.onSignal { count in
            if count == 1 {
                messages.line("interrupted: waiting for requests in flight; press Ctrl-C again to stop now")
            }
            guard count < 3 else { _exit(ExitCode.interrupted.rawValue) }
            shared.signal(count)
        }
    }
}
