package import Basics
package import CommandLine
package import ModelSimulator

/// The options of the built-in model server, for `simulate` and for `run --simulate`.
package enum SimulatorOptions {
    package static let group = "The built-in model server"

    package static let options: [OptionSpec] = [
        OptionSpec(
            "latency", kind: .string, valueName: "TIME",
            summary: "time before an answer: 200ms, or lognormal:200ms,0.5",
            group: group, default: "20ms"),
        OptionSpec(
            "time-per-token", kind: .anyDuration, summary: "further time for each token of the answer", group: group,
            default: "0ms"),
        OptionSpec(
            "tokens", kind: .string, valueName: "N", summary: "length of answers: 150, or lognormal:130,0.5",
            group: group, default: "lognormal:132,0.5"),
        OptionSpec(
            "reasoning-tokens", kind: .string, valueName: "N", summary: "length of reasoning_content before answers",
            group: group),
        OptionSpec(
            "fail", kind: .repeated(.string), valueName: "FAULT=SHARE,...",
            summary: "shares of requests with a fault: 429=0.02,500=0.01,hang=0.001",
            details: "Faults: \(Fault.allCases.map(\.rawValue).joined(separator: ", ")). Also down=20s@5s: an outage.",
            group: group),
        OptionSpec(
            "fail-script", kind: .string, valueName: "ATTEMPT=FAULT,...",
            summary: "what the attempts of every item get: 1=500,2=429", group: group),
        OptionSpec(
            "slow-factor", kind: .number(1...10_000), valueName: "N",
            summary: "factor by which the fault slow takes longer",
            group: group, default: String(Int(SimulatorConfiguration().slowFactor))),
        OptionSpec(
            "json-faults", kind: .string, valueName: "FAULT=SHARE,...",
            summary: "shares of JSON answers with a fault: prose=0.2,almost=0.1,broken=0.05",
            details: """
                prose: in a code fence behind a sentence. almost: does not fit the schema. broken: its end is missing. \
                sloppy: with a comment and a trailing comma, which --repair-json takes away.
                """,
            group: group),
        OptionSpec(
            "schema-support", kind: .list(.string), valueName: "FORM",
            summary: "supported request members for an answer's form; others are ignored",
            details: "Forms: \(SchemaForm.allCases.map(\.rawValue).joined(separator: ", ")); none for no form at all.",
            group: group, default: "response-format,tool,structured-outputs"),
        OptionSpec(
            "retry-after", kind: .anyDuration, summary: "delay that the fault 429 requests", group: group,
            default: "1s"),
        OptionSpec(
            "retry-after-form", kind: .choice(SimulatorConfiguration.RetryAfterForm.allCases.map(\.rawValue)),
            summary: "form of that Retry-After", group: group, default: "seconds"),
        OptionSpec(
            "server-rpm", kind: .integer(1...100_000_000), summary: "requests per minute it allows", group: group),
        OptionSpec(
            "server-tpm", kind: .integer(1...1_000_000_000), summary: "tokens per minute it allows", group: group),
        OptionSpec(
            "server-burst", kind: .integer(1...100_000_000), valueName: "N",
            summary: "requests a limit lets pass at once; default: a minute's worth", group: group),
        OptionSpec("server-silent", summary: "send no rate-limit headers and no Retry-After", group: group),
        OptionSpec(
            "server-seed", kind: .integer(0...Int.max), summary: "decides texts, latencies and faults", group: group,
            default: "1"),
        OptionSpec(
            "batch-duration", kind: .anyDuration, summary: "duration of a batch, from its creation to its results",
            group: group, default: "0ms"),
        OptionSpec(
            "batch-faults", kind: .string, valueName: "FAULT=N,...",
            summary: "faults of the first N batches: expired=1,missing=2",
            details: "Faults: \(BatchFault.allCases.map(\.rawValue).joined(separator: ", ")).", group: group),
        OptionSpec(
            "server-flex", kind: .string, valueName: "yes|no|busy[=N]",
            summary: "service_tier flex: answered at the flexible price, unknown, or without room", group: group,
            default: "yes"),
        OptionSpec(
            "server-models", kind: .list(.string), valueName: "NAME", summary: "the models that exist; default: all",
            group: group),
    ]

    /// The built-in server's settings if a run uses it; otherwise nil, and its options are errors.
    package static func chosen(_ command: ParsedCommand, isSimulated: Bool) throws(RetortError)
        -> SimulatorConfiguration?
    {
        if isSimulated { return try configuration(command) }
        try checkUnused(command)
        return nil
    }

    /// Throws `.usage` for options of the built-in server on the command line of a run that does not use it.
    private static func checkUnused(_ command: ParsedCommand) throws(RetortError) {
        guard let unused = options.first(where: { command.source(of: $0.name) > .environment }) else { return }
        throw RetortError(
            .usage, "--\(unused.name) is an option of the built-in model server, which this run does not use",
            remedy: "Add --simulate, or leave --\(unused.name) out.")
    }

    package static func configuration(_ command: ParsedCommand) throws(RetortError) -> SimulatorConfiguration {
        var configuration = SimulatorConfiguration()
        configuration.latency = try Distribution.latency(parsing: command.string("latency"))
        configuration.timePerToken = command.duration("time-per-token")
        configuration.answerTokens = try Distribution.tokens(parsing: command.string("tokens"))
        if let reasoning = command.stringIfSet("reasoning-tokens") {
            configuration.reasoningTokens = try Distribution.tokens(parsing: reasoning)
        }
        let faults = command.strings("fail").joined(separator: ",")
        if !faults.isEmpty { configuration.faults = try FaultPlan(parsing: faults) }
        if let script = command.stringIfSet("fail-script") {
            configuration.faults.script = try FaultPlan.script(parsing: script)
        }
        configuration.slowFactor = command.number("slow-factor")
        if let shares = command.stringIfSet("json-faults") {
            configuration.jsonFaults = try JSONFaultPlan(parsing: shares)
        }
        configuration.schemaForms = try schemaForms(command)
        configuration.retryAfter = command.duration("retry-after")
        configuration.retryAfterForm = command.choice("retry-after-form")
        configuration.requestsPerMinute = command.integerIfSet("server-rpm")
        configuration.tokensPerMinute = command.integerIfSet("server-tpm")
        configuration.requestsAtOnce = command.integerIfSet("server-burst")
        configuration.tellsLimits = !command.flag("server-silent")
        configuration.seed = UInt64(command.integer("server-seed"))
        configuration.batchDuration = command.duration("batch-duration")
        if let faults = command.stringIfSet("batch-faults") {
            configuration.batchFaults = try BatchFaultPlan(parsing: faults)
        }
        configuration.flexTier = try FlexTier(parsing: command.string("server-flex"))
        configuration.models = command.strings("server-models")
        return configuration
    }

    private static func schemaForms(_ command: ParsedCommand) throws(RetortError) -> Set<SchemaForm> {
        var forms: Set<SchemaForm> = []
        for name in command.strings("schema-support") where name != "none" {
            guard let form = SchemaForm(rawValue: name) else {
                throw RetortError(
                    .usage, "--schema-support \(name) is not a form of a schema",
                    remedy: "The forms are \(SchemaForm.allCases.map(\.rawValue).joined(separator: ", ")), or none.")
            }
            forms.insert(form)
        }
        return forms
    }
}
