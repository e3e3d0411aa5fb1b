package import Basics
import CommandLine
import Dataset
import Distillation
import HTTPTransport
import ResponseGenerator

/// `retort run` for the library: the same options, no terminal, no exit status.
package enum LibraryRun {
    /// The run's progress.
    package struct Standing: Sendable {
        package var total: Int?
        package var answered: Int
        package var failed: Int
        package var costUSD: Double?
    }

    /// Runs to the end. `arguments` are those of `retort run`.
    ///
    /// Throws the error that ended the run before every item had an outcome, and `.usage` for invalid arguments.
    package static func run(
        _ arguments: [String], onProgress: @escaping @Sendable (Standing) -> Void
    ) async throws(RetortError) -> Standing {
        let environment = ProcessStart.environment()
        guard
            case .run(let command) = try ArgumentParser(RetortProgram.spec).parse(
                ["run"] + arguments, environment: environment)
        else { throw RetortError(.usage, "--help and --version are for the command line") }
        let request = try RunRequest(command)
        guard request.job?.stages.isEmpty ?? true else {
            throw RetortError(.usage, "a job with stages runs from the command line: retort run JOB.yaml")
        }
        DescriptorLimit.raise()
        let silent = MessageStream(terminal: Terminal(isTerminal: false), palette: .plain)
        let context = CommandContext(
            messages: silent, environment: environment, errorTerminal: Terminal(isTerminal: false))
        var settings = try request.settings(context, environment: environment)
        try settings.connectLimiter(silent, isQuiet: true)
        let session = RunSession(settings: settings, messages: silent, isQuiet: true) { record in
            onProgress(Standing(record))
        }
        let result = try await session.runToGoal()
        if let error = result.summary.error { throw error }
        guard result.summary.ending == .completed else {
            throw RetortError(.interrupted, "the run was stopped", remedy: "The same call continues from there.")
        }
        let end = Standing(
            total: result.standing.total, answered: result.standing.done, failed: result.standing.failed,
            costUSD: result.spending.dollars)
        return end
    }
}

extension LibraryRun.Standing {
    init(_ record: RunRecord) {
        self.init(total: record.total, answered: record.done, failed: record.failed, costUSD: record.cost)
    }
}
