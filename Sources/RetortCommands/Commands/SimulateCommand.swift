import Basics
import CommandLine
import Distillation
import ModelSimulator

/// `retort simulate`: the model server alone.
enum SimulateCommand {
    static let spec = CommandSpec(
        "simulate", summary: "serve an OpenAI-compatible model on loopback, for rehearsals",
        details: """
            Prints its base URL on standard output and serves until it is interrupted. GET /simulator/counts returns \
            its counts, GET /simulator/items those of each item.
            """,
        examples: [
            ExampleSpec(
                "retort simulate --port 8000 --latency 200ms --fail 429=0.02,500=0.01", "a slow server with failures"),
            ExampleSpec("retort simulate --fail-script 1=500,2=429", "every item succeeds at its third attempt"),
        ],
        options: [
            OptionSpec(
                "port", "p", kind: .integer(0...65_535), summary: "the port; 0 takes a free one", group: "The server",
                default: "8000"),
            OptionSpec(
                "count-windows", summary: "also count the maximum requests in any second and any minute",
                group: "The server"),
            OptionSpec("host", kind: .string, summary: "the address", group: "The server", default: "127.0.0.1"),
        ] + SimulatorOptions.options,
        exitCodes: [.configuration, .io])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        var configuration = try SimulatorOptions.configuration(command)
        configuration.countsWindows = command.flag("count-windows")
        let stopped = Monitor(false)
        SignalWatcher.onSignal { _ in stopped.update { $0 = true } }
        let simulator = try ModelSimulator(configuration)
        try simulator.start(port: UInt16(command.integer("port")), host: command.string("host"))
        let output = DataOutput.standardOutput()
        try output.line(simulator.baseURL ?? "")
        try output.flush()
        if !command.flag("quiet") {
            context.messages.line("serving; Ctrl-C ends it. OPENAI_BASE_URL=\(simulator.baseURL ?? "")")
        }
        await waitOnThread { stopped.wait { $0 ? () : nil } }
        let counts = simulator.counts
        simulator.stop()
        if !command.flag("quiet") {
            context.messages.line(
                "\(Human.count(counts.requests)) requests, \(Human.count(counts.answered)) answered, "
                    + "\(Human.count(counts.items)) different items")
        }
        return .ok
    }

    /// Waits without blocking a thread of the cooperative pool.
    private static func waitOnThread(_ wait: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            WorkThread.start {
                wait()
                continuation.resume()
            }
        }
    }
}
