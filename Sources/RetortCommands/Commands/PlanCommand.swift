import Basics
import CommandLine
import Distillation
import ModelAPI

/// `retort plan`: what a run with the same arguments would do.
enum PlanCommand {
    static let spec = CommandSpec(
        "plan", summary: "say what a run would send: done, failed, changed, new, tokens, cost, time",
        details: """
            Takes the arguments of run, reads the input once, sends nothing and writes nothing. Estimates are based on the \
            answers already in the store; parentheses show the 95% interval. Upper bounds hold for any answers: a token is \
            at least one byte, and answers end at max_tokens. All errors of a job file are reported at once, with \
            line and column; "settings" shows where each value comes from.
            """,
        examples: [
            ExampleSpec(
                "retort plan prompts.jsonl --out runs/a --model deepseek-chat", "before the first run, or any other"),
            ExampleSpec("retort plan prompts.jsonl --out runs/a --model deepseek-chat --json", "for scripts"),
        ],
        operands: RunCommand.spec.operands,
        options: [OptionSpec("json", summary: "one JSON object", group: "Input and output")]
            + RunCommand.spec.options.filter { !["json", "preview", "keep"].contains($0.name) },
        exitCodes: [.badData, .inputMissing, .io, .configuration],
        environmentPrefix: RunCommand.environmentPrefix)

    @Sendable
    static func run(_ given: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        context.noteMisspeltVariables(given)
        let request = try RunRequest(given)
        let command = request.command
        // Nothing is sent, so API keys may be missing.
        var environment = context.environment
        let variables = RequestHeaders.variables(of: command.strings("header"))
        let own = KnownProvider.all.compactMap(\.keyVariable) + [command.stringIfSet("key-variable")].compactMap { $0 }
        for name in own + variables where (environment[name] ?? "").isEmpty {
            environment[name] = "not needed"
        }
        if let stages = request.job?.stages, !stages.isEmpty {
            return try PipelineCommand.plan(given, request, context, environment: environment)
        }
        let settings = try request.settings(context, environment: environment)
        let plan = try RunPlan(settings)
        var route: RunRoute?
        if let given = settings.route { route = try RunRoute(settings, given, plan, now: wallClock()) }
        let output = DataOutput.standardOutput()
        if command.flag("json") {
            try output.line(plan.json(settings, route))
        } else {
            for line in plan.lines(settings, route) + settings.originLines { try output.line(line) }
        }
        try output.flush()
        if !command.flag("quiet") {
            for line in plan.remarks { context.messages.line(CellWidth.sanitized(line)) }
            for error in plan.badRows { context.messages.line("bad row: " + CellWidth.sanitized(error.description)) }
        }
        return .ok
    }
}
