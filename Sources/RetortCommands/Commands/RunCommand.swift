import Basics
import CommandLine
import Dataset
import Distillation
import ModelAPI
import PromptSource
import Reporting
import ResponseGenerator
import SegmentStore

/// `retort run`: sends every item that has no outcome on disk yet.
enum RunCommand {
    private static let inputGroup = "Input and output"
    private static let paceGroup = "Rate limits and retries"
    private static let timeGroup = "Timeouts"

    static let spec = CommandSpec(
        "run", summary: "send every prompt that has no answer yet to a model",
        details: """
            Prompts are rows of JSONL, CSV or text, plain or gzip; - reads standard input. To resume, run the \
            same command again. Prompts already answered on disk are not sent again.

            A row is one of:
              {"messages": [...]}            chat; in a CSV as JSON text
              {"prompt": "..."}              a user turn; or text for --endpoint completions
              {"prompt": [...messages...]}   TRL
              {"conversations": [...]}       ShareGPT, with or without "system"
              {"prefix": "", "suffix": ""}   fill in the middle
              {"custom_id", "url", "body"}   OpenAI Batch; {"custom_id", "params"} Anthropic
              any fields                     with --template
              a store                        a run's directory: its answers are the rows
            A file may hold one JSON array of rows over many lines. Request members of a row (tools, system, model, \
            temperature, max_tokens, ...) are sent with its prompt; other fields become metadata.

            A first operand in .yaml is a job file: `input:`, `prompt:` (a template) and options by their names, such \
            as `max-tokens: 500` or `response-format: {type: json_object}`; several jobs under `jobs:`. It may name a \
            model file (`model-config: models.yaml`) with `api:`, `models:` and `default:`. `retort init` writes both. \
            Options are also read from the environment, --max-tokens as RETORT_MAX_TOKENS. The command line takes \
            precedence over the environment, and the environment over the files; `retort plan` shows where each value \
            comes from.

            With `stages:` a job is several runs at once, each with a store in OUT/NAME: a stage reads `from:` \
            another one, and {{response}} and the other fields of its records are those of the template. `when:` \
            chooses records, `continue: true` continues the conversation, `join: [a, b]` makes rows of several \
            stages' records, `verdict-of: a` is a judge whose scores are verdicts, `repeat: 4` runs a stage on its \
            own answers. See data/pipelines.

            Answers go to OUT/responses/*.jsonl.gz, failed items to OUT/failures/*.jsonl.gz.
            """,
        examples: [
            ExampleSpec(
                "retort run data/prompts.jsonl --out runs/demo --simulate", "try it with the built-in model server"),
            ExampleSpec(
                "retort run prompts.jsonl --out runs/a --model deepseek-chat --base-url https://api.deepseek.com/v1",
                "any OpenAI-compatible endpoint"),
            ExampleSpec(
                "retort run prompts.jsonl --out runs/a --model deepseek-chat --on-change rerun",
                "after editing prompts: send the changed ones again"),
            ExampleSpec(
                "retort run job.yaml --out runs/c --on-change rerun", "stages: the edited one and what follows again"),
            ExampleSpec("retort run job.yaml", "everything in one file: options by name, input and prompt"),
            ExampleSpec(
                "retort run topics.csv --out runs/b --model gpt-5-mini --template essay.txt --samples 4",
                "four samples of each row of a table, rendered by a template"),
        ],
        operands: [
            OperandSpec("PROMPTS", .atLeastOne, kind: .path, summary: "files, directories, patterns, -, or a job file")
        ],
        options: [
            OptionSpec(
                "out", "o", kind: .path, valueName: "DIR", summary: "the store, made if missing", group: inputGroup
            ).main,
            OptionSpec(
                "format", kind: .choice(InputFormat.allCases.map(\.rawValue)), summary: "read the input as this",
                group: inputGroup),
            OptionSpec(
                "template", kind: .path, summary: "render each row: {{field}}, and @system, @user lines for turns",
                details: """
                    {{field ?? "text"}} inserts a text for a missing field, {{json field}} inserts JSON. {{#if \
                    field}}, {{#if field == "text"}}, {{#unless field}}, {{else}}, {{/if}} choose; {{#each list}} ... \
                    {{/each}} repeats with {{this}}, {{this.name}}, {{@index}}, {{@number}}. {{file "shots.txt"}} \
                    inserts a text file unchanged, such as examples; a changed file makes another template. A line \
                    `@image PATH` or `@file PATH` inserts an image or a PDF. {{{{ is a literal {{.
                    """, group: inputGroup
            ).main,
            OptionSpec(
                "limit", kind: .integer(1...1_000_000_000_000), valueName: "N",
                summary: "take only the first N rows; later runs without it continue with the rest", group: inputGroup),
            OptionSpec(
                "skip", kind: .integer(0...1_000_000_000_000), valueName: "N", summary: "skip the first N rows",
                group: inputGroup),
            RunSession.goalOption, SendingOrder.option, ItemsOption.option,
            OptionSpec("strict", summary: "stop at the first bad row instead of recording it", group: inputGroup),
            OptionSpec(
                "on-change", kind: .choice(ChangePolicy.allCases.map(\.rawValue)),
                summary:
                    "when a prompt changed under the same id: refuse to run, keep the old answer, or send it again",
                details: """
                    With rerun the template and the parameters may change as well. Old answers of changed rows go to \
                    OUT/superseded before the first request; rows that did not change are not sent again.
                    """,
                group: inputGroup, default: ChangePolicy.refuse.rawValue
            ).main,
            OptionSpec("keep-body", summary: "keep the API's raw body in each record", group: inputGroup),
            OptionSpec(
                "split-think", summary: "move <think>...</think> from the response to the reasoning", group: inputGroup),
            OptionSpec(
                "reject-finish", kind: .list(.string), valueName: "REASON",
                summary: "treat answers with this finish_reason as failed, e.g. length; empty: answers without content",
                group: inputGroup),
            OptionSpec(
                "sync", kind: .either(["always", "never"], or: .duration(.milliseconds(10)...Interval.seconds(3600))),
                summary: "how often to fsync, which bounds what a power cut can lose; kill -9 loses nothing",
                group: inputGroup, default: "1s"),
            OptionSpec(
                "compression-level", kind: .integer(1...12), summary: "gzip level of the segments", group: inputGroup,
                default: String(StoreOptions().compressionLevel)),
            OptionSpec(
                "base-url", kind: .repeated(.string), valueName: "URL", summary: "the API, with or without /v1",
                details: """
                    A host alone gets /v1; a base URL with a path of its own is used unchanged. A query such as \
                    ?api-version= goes to the end of each request's address. OPENAI_API_KEY is sent as a bearer \
                    token, to Azure AZURE_OPENAI_API_KEY as api-key, with --endpoint messages ANTHROPIC_API_KEY as \
                    x-api-key. Given several times, each request goes to the server with the least in flight; each \
                    address may be followed by key-variable=NAME, weight=N, concurrency=N, rps=N, rpm=N, tpm=N. A \
                    server that is down or rate-limits is skipped until it serves again.
                    """, group: "The server", environment: "OPENAI_BASE_URL"
            ).main,
            AccessOptions.header,
        ] + AccessOptions.options + [
            OptionSpec("simulate", summary: "use the built-in model server: no key, no network", group: "The server")
                .main
        ] + StageOptions.options + ShardOptions.options + LimitOptions.options + ParameterOptions.options
            + [ToolsOption.option] + FillOptions.options + CheckOptions.options + VerifierSettings.options + paceOptions
            + ReuseOptions.options + [StreamOption.option] + Pricing.options + BatchOptions.options
            + RouteOptions.options
            + timeOptions
            + LiveOptions.all
            + [.progress, .progressEvery]
            + JobFile.options + Preview.options + SimulatorOptions.options,
        exitCodes: [
            .badData, .inputMissing, .io, .busy, .incomplete, .refused, .configuration, .interrupted,
        ], environmentPrefix: environmentPrefix)

    /// Prefix of the environment variables that set options.
    static let environmentPrefix = "RETORT_"

    private static let paceOptions: [OptionSpec] =
        [
            OptionSpec(
                "concurrency", "c",
                kind: .either(["auto"], or: .integer(1...GeneratorConfiguration.concurrencyMax)),
                summary: "maximum requests in flight, at all servers together", group: paceGroup,
                default: String(GeneratorConfiguration.concurrencyDefault)
            ).main,
            OptionSpec(
                "rps", kind: .number(0.001...1_000_000), summary: "maximum requests per second", group: paceGroup),
            OptionSpec(
                "rpm", kind: .number(0.01...100_000_000), summary: "maximum requests per minute", group: paceGroup),
            OptionSpec(
                "tpm", kind: .number(1...100_000_000_000), summary: "maximum tokens per minute", group: paceGroup),
            OptionSpec("throttle", kind: .anyDuration, summary: "minimum interval between requests", group: paceGroup),
            OptionSpec(
                "attempts", kind: .integer(1...1000),
                summary: "maximum attempts per item; four 429 responses count as one retry", group: paceGroup,
                default: String(GeneratorConfiguration.attemptsMaxDefault)
            ).main,
            OptionSpec(
                "refusals-max", kind: .integer(0...GeneratorConfiguration.refusalsMaxMax),
                summary: "equal rejections (HTTP 400, 403, 404) before any success that stop the run; 0 never stops",
                group: paceGroup, default: String(GeneratorConfiguration.refusalsMaxDefault)),
            OptionSpec(
                "retry-base", kind: .duration(.milliseconds(1)...Interval.seconds(3600)),
                summary: "upper bound of the first random retry delay (full jitter); doubles on each retry",
                group: paceGroup, default: "1s"),
            OptionSpec(
                "retry-cap", kind: .duration(.milliseconds(1)...Interval.seconds(3600)),
                summary: "maximum retry delay; a delay the server requests (Retry-After) takes precedence",
                group: paceGroup, default: "1m"),
            OptionSpec(
                "retry-after-max", kind: .duration(.milliseconds(1)...Interval.seconds(86_400)),
                summary:
                    "maximum delay a server may request (Retry-After and the like); a longer request is cut to this",
                group: paceGroup, default: "10m"),
        ] + HedgeOptions.options(paceGroup)

    private static let timeOptions: [OptionSpec] = [
        OptionSpec(
            "timeout", kind: .anyDuration, summary: "maximum time for a whole request", group: timeGroup, default: "15m"
        ),
        OptionSpec(
            "connect-timeout", kind: .anyDuration, summary: "maximum time to connect", group: timeGroup, default: "10s"),
        OptionSpec(
            "first-byte-timeout", kind: .anyDuration, summary: "maximum time until the answer begins", group: timeGroup,
            default: "10m"),
        OptionSpec(
            "stall-timeout", kind: .anyDuration, summary: "maximum time between two bytes of the answer",
            group: timeGroup,
            default: "1m"),
        OptionSpec(
            "outage-max", kind: .anyDuration, summary: "how long to wait for an unreachable server before stopping",
            group: timeGroup,
            default: "15m"),
        OptionSpec(
            "drain-timeout", kind: .anyDuration, summary: "after Ctrl-C, how long to wait for requests in flight",
            group: timeGroup, default: "5m"),
        OptionSpec(
            "response-size-max", kind: .size(1024...(1 << 30)), summary: "maximum body of an answer",
            group: timeGroup, default: "64M"),
    ]

    @Sendable
    static func run(_ given: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        context.noteMisspeltVariables(given)
        let request = try RunRequest(given)
        let command = request.command
        if let stages = request.job?.stages, !stages.isEmpty {
            return try await PipelineCommand.run(given, request, context)
        }
        var settings = try request.settings(context, environment: context.environment)
        let messages = context.progressStream(command)
        if Detachment.isWanted(command) { return try Detachment(settings.out, inputs: settings.inputs).run(messages) }
        try settings.connectLimiter(context.messages, isQuiet: command.flag("quiet"))
        if let preview = try Preview(command, settings) {
            return try await preview.run(context.messages, Terminal.standardOutput(environment: context.environment))
        }
        let live = try LiveMonitor(command, settings, messages)
        defer { live.stop() }
        let session = RunSession(
            settings: settings, messages: messages, isQuiet: command.flag("quiet"), live: live.run)
        let result: RunResult
        do {
            result = try await session.runToGoal()
        } catch {
            messages.report(error, from: "retort")
            return ExitCode(error)
        }
        let conclusion = RunConclusion(result, settings: settings, commandLine: given.shellLine)
        if !command.flag("quiet") {
            if messages.writesJSON {
                messages.event(
                    SummaryEvent.text(
                        of: settings.out, command: "run", headline: conclusion.headline,
                        exitCode: conclusion.exitCode, counters: result.counters, spending: result.spending))
            } else {
                for line in conclusion.lines(messages.palette) { messages.line(line) }
            }
        }
        if let error = conclusion.error { messages.report(error, from: "retort") }
        return conclusion.exitCode
    }
}
