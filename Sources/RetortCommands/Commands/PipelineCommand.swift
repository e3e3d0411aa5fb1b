import Basics
import CommandLine
import Dataset
import Distillation
import JobFiles

/// `run` and `plan` of a job with stages.
enum PipelineCommand {
    /// The stages of the job. All problems are reported except the last one, which is thrown.
    static func pipeline(
        _ given: ParsedCommand, _ request: RunRequest, _ context: CommandContext, environment: [String: String]
    ) throws(RetortError) -> Pipeline {
        let root = try request.command.requiredString("out")
        if StoreAccess.isStore(root) {
            throw RetortError(
                .configuration, "--out is a store, and a job with stages makes one for each of them", at: root,
                remedy: "Give --out another directory.")
        }
        for name in ["where", "continue"] where request.command.isGiven(name) {
            throw RetortError(
                .configuration, "\(name) is a matter of a stage that reads from another one",
                at: request.command.origin(of: name), remedy: "Give it under `stages:`.")
        }
        var pipeline = Pipeline(root: root, stages: [])
        for (number, stage) in (request.job?.stages ?? []).enumerated() {
            let own = try RunRequest(given, stage: number)
            try refuseWhatStagesLack(own.command, of: request.command)
            let settings = try own.settings(context, environment: environment)
            try pipeline.append(stage, settings, own.command)
        }
        if let problem = request.problems.first { throw problem }
        return pipeline
    }

    /// Options of one run that a job with stages does not support.
    private static let lacking = ["limit-server", "shard", "siblings", "preview", "via"]

    private static func refuseWhatStagesLack(_ command: ParsedCommand, of whole: ParsedCommand) throws(RetortError) {
        let known = Set(command.spec.options.map(\.name))
        let ofWhole = LiveOptions.all.map(\.name).filter(known.contains)
        for name in ofWhole where command.origin(of: name) != whole.origin(of: name) {
            throw RetortError(
                .configuration, "\(name) is for all stages together", at: command.origin(of: name),
                remedy: "Give it at the top of the job file, or on the command line.")
        }
        for name in lacking where known.contains(name) && command.isGiven(name) {
            throw RetortError(
                .configuration, "a job with stages cannot have --\(name)", at: command.origin(of: name),
                remedy: "Leave it out, or run the stages one after the other: each store is an input of the next run.")
        }
    }

    static func run(
        _ given: ParsedCommand, _ request: RunRequest, _ context: CommandContext
    ) async throws -> ExitCode {
        let pipeline = try pipeline(given, request, context, environment: context.environment)
        let isQuiet = request.command.flag("quiet")
        let messages = context.progressStream(request.command)
        if Detachment.isWanted(request.command) {
            return try Detachment(pipeline.root, inputs: pipeline.stages.flatMap(\.settings.inputs)).run(messages)
        }
        let live = try LiveMonitor(request.command, pipeline, messages)
        defer { live.stop() }
        let session = PipelineSession(pipeline: pipeline, messages: messages, isQuiet: isQuiet, live: live)
        let result: PipelineSession.Result
        do {
            result = try await session.run()
        } catch {
            messages.report(error, from: "retort")
            return ExitCode(error)
        }
        let conclusion = PipelineConclusion(result, pipeline, commandLine: given.shellLine)
        if !isQuiet {
            if messages.writesJSON {
                for event in conclusion.events { messages.event(event) }
            } else {
                for line in conclusion.lines(messages.palette) { messages.line(line) }
            }
        }
        for (stage, error) in conclusion.errors { messages.report(error, from: "retort: \(stage)") }
        return conclusion.exitCode
    }

    static func plan(
        _ given: ParsedCommand, _ request: RunRequest, _ context: CommandContext, environment: [String: String]
    ) throws -> ExitCode {
        let pipeline = try pipeline(given, request, context, environment: environment)
        let output = DataOutput.standardOutput()
        let asJSON = request.command.flag("json")
        for (number, stage) in pipeline.stages.enumerated() {
            let hasSource = stage.origins.allSatisfy { StoreAccess.isStore("\(pipeline.root)/\($0)") }
            guard hasSource else {
                if !asJSON {
                    try output.line("\(number > 0 ? "\n" : "")\(stage.name)")
                    try output.line("  a request for each answer of \(stage.from ?? "") that it takes")
                }
                continue
            }
            let plan = try RunPlan(stage.settings)
            if asJSON {
                try output.line(plan.json(stage.settings).dropLast() + ",\"stage\":\"\(stage.name)\"}")
                continue
            }
            try output.line("\(number > 0 ? "\n" : "")\(stage.name)")
            for line in plan.lines(stage.settings) { try output.line("  " + line) }
            if let from = stage.from {
                try output.line("  and a request for each answer of \(from) that is new or changes by then")
            }
        }
        try output.flush()
        return .ok
    }
}
