import Basics
import CommandLine
import Dataset
import Distillation
import ModelAPI
import Reporting
import SegmentStore

/// `retort retry`: sends failed items again, and nothing else.
enum RetryCommand {
    /// Options of `run` that describe the input or the job.
    private static let optionsOfInput: Set<String> = [
        "out", "format", "template", "strict", "on-change", "endpoint", "samples", "n", "limit", "skip",
        "items-per-request", "json", "repair-json", "schema", "fields", "schema-by", "schema-prompt",
        "strict-schema", "verifier", "job", "model-config", "continue", "where",
        "shard", "siblings", "tools", "preview", "keep", "fim", "fim-family", "prefix-key", "suffix-key",
        "verdict-by", "until-accepted", "deadline", "deadline-reserve", "batch-expect", "flex-discount",
    ]

    private static let retriedClasses = FailureClass.allCases.filter { $0 != .badInput }

    static let spec = CommandSpec(
        "retry", summary: "send failed items again",
        details: """
            Each request is taken from its failure record: the input need not be there, and the cost grows with the \
            failures, not with the store. A retried item that fails again keeps the count of its attempts.

            Model and parameters come from the store's job. Options that differ from it, such as another model, are \
            refused without --override. Rows that could not be understood (bad_input) have no request: correct the \
            input and run again.

            --drop and --rename change members of the requests' top level for this retry; status and report show what was \
            changed. A name that no failed request has is refused.

            --reuse and --stream are as for run: a retry sends equal failed requests once, or takes the answer that the store \
            has to an equal one.

            Requests go to the last run's base URL unless --base-url, OPENAI_BASE_URL or ANTHROPIC_BASE_URL is set. A \
            store of simulated answers uses the built-in server.
            """,
        examples: [
            ExampleSpec("retort retry runs/a", "everything that failed"),
            ExampleSpec(
                "retort retry runs/a --class rate_limited,timeout --concurrency 16", "some classes, at a gentler pace"),
            ExampleSpec(
                "retort retry runs/a --rename max_tokens=max_completion_tokens --drop temperature",
                "the API refused parameters of the requests"),
            ExampleSpec(
                "retort retry runs/a --model gpt-5 --override", "with another model, whose answers join the others"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run")],
        options: [
            OptionSpec(
                "class", kind: .list(.choice(retriedClasses.map(\.rawValue))), valueName: "CLASS,...",
                summary: "retry failures of these classes only", group: "What to retry"),
            OptionSpec(
                "override", summary: "let options that differ from the store's job change the requests",
                group: "What to retry"),
            OptionSpec(
                "drop", kind: .list(.string), valueName: "NAME,...",
                summary: "leave these members out of the requests, e.g. max_tokens", group: "What to retry"),
            OptionSpec(
                "rename", kind: .list(.string), valueName: "OLD=NEW,...",
                summary: "send these members under another name, e.g. max_tokens=max_completion_tokens",
                group: "What to retry"),
        ] + RunCommand.spec.options.filter { !optionsOfInput.contains($0.name) },
        exitCodes: [.notFound, .badData, .io, .busy, .incomplete, .refused, .configuration, .interrupted])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let operand = command.operand("STORE")!
        guard let layout = try PipelineLayout.load(operand) else { return try await retry(command, context) }
        var ending = ExitCode.ok
        for store in try PipelineLayout.stores(of: operand) {
            if !command.flag("quiet") { context.messages.line(store) }
            let one = try await retry(command.replacing("STORE", with: store), context)
            if one != .ok { ending = one }
            if one == .interrupted { break }
        }
        if !command.flag("quiet"), layout.stages.count > 1 {
            context.messages.line("new answers enter the next stage when the job is run again")
        }
        return ending
    }

    private static func retry(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let root = command.operand("STORE")!
        let reader = try StoreReader(root, options: StoreAccess.options)
        let isQuiet = command.flag("quiet")
        let failures = FailureCounts(reader)
        guard failures.total > 0 else {
            if !isQuiet { context.messages.line("nothing to retry: no item has failed") }
            return .ok
        }
        let job = try StoredJob(reader.manifest)
        let classes = Set(command.strings("class").compactMap { FailureClass(rawValue: $0) })
        let chosen = classes.isEmpty ? Set(retriedClasses) : classes
        guard failures.count(of: chosen) > 0 else {
            if !isQuiet { for line in failures.nothingChosen { context.messages.line(line) } }
            return .incomplete
        }
        var settings = try RetrySettings(command, job: job, environment: context.environment)
        try settings.run.connectLimiter(context.messages, isQuiet: isQuiet)
        if let edits = settings.edits { try edits.check(against: FailedItems.names(of: root, classes: chosen)) }
        let messages = context.progressStream(command)
        if !isQuiet, settings.run.simulator != nil, !command.flag("simulate") {
            messages.line(
                "the answers of this store are simulated: using the built-in model server (--fail, --latency and its "
                    + "other options say how it is to behave)")
        }
        let temperature = job.values["temperature"].flatMap(Double.init)
        if !isQuiet, let remark = settings.run.reuse?.remark(temperature: temperature) { messages.line(remark) }
        if Detachment.isWanted(command) {
            return try Detachment(settings.run.out, inputs: settings.run.inputs).run(messages)
        }
        let live = try LiveMonitor(command, settings.run, messages)
        defer { live.stop() }
        let session = RunSession(
            settings: settings.run, messages: messages, isQuiet: isQuiet, live: live.run)
        let result = try await session.retry(chosen, override: settings.override, edits: settings.edits)
        let conclusion = RetryConclusion(result, settings: settings.run, commandLine: command.shellLine)
        if !isQuiet, messages.writesJSON {
            messages.event(
                SummaryEvent.text(
                    of: root, command: "retry", headline: conclusion.headline, exitCode: conclusion.exitCode,
                    counters: result.counters, spending: result.spending))
        } else if !isQuiet {
            for line in conclusion.lines(messages.palette) { messages.line(line) }
        }
        if let error = conclusion.error { messages.report(error, from: "retort") }
        return conclusion.exitCode
    }
}

/// The failed items of a store by class.
struct FailureCounts {
    private let counts: [(name: String, count: Int)]

    init(_ reader: StoreReader) {
        counts = reader.counters.failedByClass.enumerated().filter { $0.element > 0 }.map { index, count in
            (reader.failureClasses.name(UInt8(index)), Int(count))
        }
    }

    var total: Int { counts.reduce(0) { $0 + $1.count } }

    func count(of classes: Set<FailureClass>) -> Int {
        counts.filter { entry in classes.contains { $0.rawValue == entry.name } }.reduce(0) { $0 + $1.count }
    }

    /// What to print if no failure is of the chosen classes.
    var nothingChosen: [String] {
        let list = counts.map { "\(Human.count($0.count)) \($0.name)" }.joined(separator: ", ")
        var lines = ["nothing to retry: the failed items are of other classes (\(list))"]
        if counts.contains(where: { $0.name == FailureClass.badInput.rawValue }) {
            lines.append(RetryConclusion.badInputAdvice)
        }
        return lines
    }
}
