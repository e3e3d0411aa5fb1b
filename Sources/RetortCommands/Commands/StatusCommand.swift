import Basics
import CommandLine
import Dataset
import Distillation
import Reporting

/// `retort status`: a run's progress, also while it is writing.
enum StatusCommand {
    static let spec = CommandSpec(
        "status", summary: "state, counts, pace, tokens, cost and settings of runs, also while they write",
        details: """
            A run writes its progress once per second (progress.json in the store); afterwards the file shows how it \
            ended. Several stores are shown side by side, and so are the stages of a run in stages.

            With --json each store is one object on a line. Its per_item has means over all answers and percentiles \
            over the first \(Human.count(AnswerSample.recordsMax)); null is what is not known.

            With --watch the state is shown again and again: redrawn in place on a terminal, a line each time elsewhere, \
            a JSON object per line with --json. Ctrl-C ends the watch, not the run.
            """,
        examples: [
            ExampleSpec("retort status runs/a", "for people"),
            ExampleSpec("retort status runs/a --json", "for scripts"),
            ExampleSpec("retort status runs/a --watch --every 5s", "until the run has ended"),
            ExampleSpec("retort status runs/a runs/b runs/c", "side by side"),
        ],
        operands: [OperandSpec("STORE", .atLeastOne, kind: .path, summary: "the store directories")],
        options: [
            OptionSpec("json", summary: "one JSON object for each store"),
            OptionSpec("watch", "w", summary: "repeat it until the run has ended"),
            OptionSpec(
                "every", kind: .duration(StatusWatch.intervalRange), valueName: "INTERVAL",
                summary: "the interval between updates; implies --watch", default: "2s"),
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    /// Runs a task that a signal cancels. The signal handler is installed before the task begins, since it may print at
    /// once.
    private static func untilSignal(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let state = Locked<(task: Task<Void, any Error>?, isRaised: Bool)>((nil, false))
        SignalWatcher.onSignal { _ in
            state.withLock { state in
                state.isRaised = true
                state.task?.cancel()
            }
        }
        let task = Task { try await work() }
        state.withLock { state in
            state.task = task
            if state.isRaised { task.cancel() }
        }
        try await task.value
    }

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        var roots: [String] = []
        for operand in command.operands("STORE") { roots += try PipelineLayout.stores(of: operand) }
        if command.flag("watch") || command.isGiven("every") {
            let operands = command.operands("STORE")
            if operands.count == 1, try PipelineLayout.load(operands[0]) != nil {
                let watch = PipelineWatch(
                    root: operands[0], interval: command.duration("every"), asJSON: command.flag("json"),
                    terminal: .standardOutput(environment: context.environment))
                try await untilSignal { try await watch.run() }
                return .ok
            }
            guard let root = roots.first, roots.count == 1 else {
                throw RetortError(.usage, "--watch shows one store", remedy: "Name one, or leave --watch out.")
            }
            let watch = StatusWatch(
                root: root, interval: command.duration("every"), asJSON: command.flag("json"),
                terminal: .standardOutput(environment: context.environment))
            try await untilSignal { try await watch.run() }
            return .ok
        }
        let output = DataOutput.standardOutput()
        if command.flag("json") {
            for root in roots {
                let status = try StoreStatus(root)
                try output.line(status.json(try AnswerSample(status.reader)))
            }
        } else if roots.count == 1 {
            for line in try StoreStatus(roots[0]).lines { try output.line(line) }
        } else {
            var stores: [StoreStatus] = []
            for root in roots { stores.append(try StoreStatus(root)) }
            let operands = command.operands("STORE")
            let isOnePipeline = operands.count == 1 && roots != operands
            let titles = isOnePipeline ? roots.map { String($0.dropFirst(operands[0].count + 1)) } : nil
            for line in StatusComparison(stores, titles: titles).lines { try output.line(line) }
        }
        try output.flush()
        return .ok
    }
}
