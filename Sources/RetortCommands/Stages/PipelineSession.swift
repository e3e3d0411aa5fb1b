import Basics
import CommandLine
import Glibc
import ModelSimulator
import ResponseGenerator
import SegmentStore
import StageSource

/// Runs the stages of a pipeline together: an item goes on as soon as its predecessor is on disk.
struct PipelineSession: Sendable {
    let pipeline: Pipeline
    let messages: MessageStream
    let isQuiet: Bool

    /// How a stage ended; nil: it never began.
    typealias Ending = Swift.Result<RunSession.Result, RetortError>

    struct Result: Sendable {
        var endings: [Ending?]
        var simulatorCounts: SimulatorCounts?
        var wasInterrupted: Bool
    }

    func run() async throws(RetortError) -> Result {
        try check()
        try PipelineLayout(pipeline).save()
        let simulator = try startSimulator()
        defer { simulator?.stop() }
        let shared = SharedByStages(
            simulatorURL: simulator?.baseURL, pool: try pool(), gates: gates())
        let streams = messages.parts(pipeline.stages.map(\.name))
        watchSignals(shared)
        let watches = pipeline.stages.map { $0.from == nil ? nil : SourceWatch() }
        let contexts = pipeline.stages.enumerated().map {
            StageContext($0.offset, $0.element.name, shared, source: watches[$0.offset])
        }
        let endings = await withTaskGroup(of: (Int, Ending?).self) { group in
            for number in pipeline.stages.indices {
                group.addTask {
                    let ending = await run(number, contexts, streams[number])
                    contexts[number].hasOpened(false)
                    for other in pipeline.stages.indices
                    where pipeline.stages[other].from == pipeline.stages[number].name {
                        watches[other]?.end()
                    }
                    return (number, ending)
                }
            }
            var endings: [Ending?] = pipeline.stages.map { _ in nil }
            for await (number, ending) in group { endings[number] = ending }
            return endings
        }
        messages.endParts()
        return Result(endings: endings, simulatorCounts: simulator?.counts, wasInterrupted: shared.isStopping)
    }

    private func run(_ number: Int, _ contexts: [StageContext], _ stream: MessageStream) async -> Ending? {
        let stage = pipeline.stages[number]
        if let source = pipeline.stages.firstIndex(where: { $0.name == stage.from }) {
            guard await contexts[source].isOpen else { return nil }
        }
        if contexts[number].pipeline.isStopping { return nil }
        let session = RunSession(
            settings: stage.settings, messages: stream, isQuiet: isQuiet, stage: contexts[number])
        do throws(RetortError) {
            return .success(try await session.run())
        } catch {
            return .failure(error)
        }
    }

    /// Refuses what no stage may begin with: one of them would stop behind the others' requests.
    private func check() throws(RetortError) {
        for stage in pipeline.stages {
            let settings = stage.settings
            guard let manifest = try RecordStore.manifest(of: settings.out) else { continue }
            let job = JobDescription(settings).adopting(manifest.job)
            let counters = try StoreReader(settings.out, options: StoreAccess.options).counters
            guard counters.done + counters.failed > 0 else { continue }
            do throws(RetortError) {
                try job.check(against: manifest.job, at: settings.out, onChange: settings.onChange)
            } catch {
                var error = error
                error.remedy =
                    (error.remedy ?? "")
                    + " `retort plan` with the same words says how many requests that is; the stages "
                    + "that read from \(stage.name) follow."
                throw error
            }
        }
    }

    private func startSimulator() throws(RetortError) -> ModelSimulator? {
        guard let configuration = pipeline.stages.lazy.compactMap(\.settings.simulator).first else { return nil }
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        return simulator
    }

    /// What all stages may spend; nil without a limit.
    private func pool() throws(RetortError) -> BudgetPool? {
        guard let limit = pipeline.stages.lazy.compactMap(\.settings.pricing.limit).max() else { return nil }
        var spent = 0
        for stage in pipeline.stages where RunInput.isStore(stage.settings.out) {
            let spending = try Spending(of: try StoreReader(stage.settings.out, options: StoreAccess.options))
            spent = spent.addingSaturated(spending.recorded).addingSaturated(spending.uncertainMax)
        }
        return BudgetPool(limit: limit, spent: spent)
    }

    /// A window for each server that several stages use.
    private func gates() -> [String: StageGate] {
        var gates: [String: StageGate] = [:]
        for (url, stages) in Dictionary(grouping: pipeline.stages, by: \.settings.baseURL) where stages.count > 1 {
            let limit = stages.map(\.settings.generator.concurrency).max() ?? 1
            gates[url] = StageGate(limit: limit, stages: pipeline.stages.count)
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
