import Basics
import CommandLine
import Distillation
import HTTPServer
import ModelAPI
import Reporting
import SegmentStore
import Serving

/// `retort serve`: an API for existing programs that records every answer.
enum ServeCommand {
    /// The options of `run` for server, rates, retries and cost.
    private static let optionsOfRun: Set<String> = [
        "out", "sync", "compression-level", "base-url", "header", "provider", "key-variable", "simulate", "concurrency",
        "rps", "rpm", "tpm", "throttle", "attempts", "retry-base", "retry-cap", "retry-after-max", "max-cost", "prices",
        "price", "timeout", "connect-timeout", "first-byte-timeout", "stall-timeout", "outage-max", "drain-timeout",
        "response-size-max", "progress", "progress-every",
    ]

    private static let group = "Clients"

    static let spec = CommandSpec(
        "serve", summary: "proxy between a program and its API: every answer is recorded before the program gets it",
        details: """
            Speaks OpenAI's API on loopback (/v1/chat/completions, /v1/completions, /v1/responses, /v1/models) and \
            Anthropic's (/v1/messages). A program needs another base URL and nothing else. Its requests are passed on \
            unchanged, with retries, rate limits and the cap of a run, and with the keys of this process's \
            environment; the program's own key goes nowhere. It gets the API's answer byte for byte, after the answer \
            is in the store. A client that hangs up loses nothing: the answer is recorded all the same.

            A request is recorded under its X-Retort-Id, else with --reuse under a name made of what it asks, without it under \
            its Idempotency-Key. The same id again is answered from the store; with --reuse the same request is, and the answer \
            has the header x-retort-reused. A stream is passed on as it comes; its end follows once the answer is recorded. \
            /v1/files and /v1/batches run batches in OpenAI's form, which continue after a restart.

            A refusal of the API reaches the client at once, 429 and 5xx after the retries. While the API is down, at the \
            cap and at the end clients get 503 with Retry-After. The first Ctrl-C lets requests in flight finish; `retort ctl` pauses, \
            changes and drains a server as it does a run.
            """,
        examples: [
            ExampleSpec(
                "retort serve --out runs/notebook --reuse auto",
                "then: OPENAI_BASE_URL=http://127.0.0.1:8787/v1 jupyter lab"),
            ExampleSpec(
                "retort serve --out runs/eval --base-url http://gpu1:8000/v1 --max-cost 20 --listen 127.0.0.1:9000",
                "another server, a cap and a port"),
            ExampleSpec("retort serve --out runs/try --simulate", "without key and network"),
        ],
        options: [
            OptionSpec(
                "listen", kind: .string, valueName: "HOST:PORT", summary: "where to listen; port 0 takes a free one",
                group: group, default: "127.0.0.1:8787"
            ).main,
            OptionSpec(
                "reuse", kind: .choice(ReusePolicy.allCases.map(\.rawValue)),
                summary: "answer repeated requests from the store",
                details: """
                    Requests are compared by their values: white space and the order of members do not count. auto \
                    sends a repeated request again if the temperature is above 0, since equal requests are meant to \
                    differ then.
                    """, group: group, default: ReusePolicy.never.rawValue
            ).main,
            OptionSpec(
                "client-keys", kind: .path, valueName: "FILE",
                summary: "clients need a key of this file; each may have a budget and a pace",
                details: """
                    Lines `KEY NAME [DOLLARS [RPM]]`, or a JSON list of objects with key, name, budget and rpm. A budget is \
                    for all of the store, over restarts. Without a file only addresses of loopback are listened on.
                    """, group: group),
            OptionSpec(
                "request-size-max", kind: .size(1024...(1 << 30)), summary: "maximum body of a client's request",
                group: group, default: "32M"),
        ] + RunCommand.spec.options.filter { optionsOfRun.contains($0.name) }.map(forServer) + SimulatorOptions.options
            + LiveOptions.ofServer,
        exitCodes: [.badData, .io, .busy, .configuration, .interrupted],
        environmentPrefix: RunCommand.environmentPrefix)

    /// The help text of an option whose meaning differs for a server.
    private static func forServer(_ option: OptionSpec) -> OptionSpec {
        var option = option
        switch option.name {
        case "price":
            option.summary = "the price of models that no list has, dollars per million tokens: '0.27 0.07 1.10'"
        case "outage-max":
            option.summary = "how long requests wait for an unreachable server before they get 503"
            option.defaultText = "1m"
        case "base-url":
            option.details = """
                Several servers share the requests; one that is down is skipped until it is back. A host alone gets \
                /v1; a base URL with a path of its own is used unchanged. OPENAI_API_KEY is sent as a bearer \
                token, to Azure AZURE_OPENAI_API_KEY as api-key, with /v1/messages ANTHROPIC_API_KEY as x-api-key. Without a base \
                URL each of the two APIs is served whose key is there.
                """
        case "provider": option.details = ""
        case "max-cost": option.summary = "refuse requests that could make the store cost more than this"
        default: break
        }
        return option
    }

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        context.noteMisspeltVariables(command)
        let settings = try ServeSettings(command, environment: context.environment)
        let isQuiet = command.flag("quiet")
        let messages = context.progressStream(command)
        let live = try LiveMonitor(command, settings.run, messages)
        defer { live.stop() }
        let session = RunSession(settings: settings.run, messages: messages, isQuiet: isQuiet, live: live.run)
        let host = settings.address.host
        let result = try await session.serve(settings) { port throws(RetortError) in
            let address = "http://\(host.contains(":") ? "[\(host)]" : host):\(port)"
            let output = DataOutput.standardOutput()
            try output.line(address + "/v1")
            try output.flush()
            if !isQuiet {
                messages.line(
                    "serving; Ctrl-C ends it. OPENAI_BASE_URL=\(address)/v1, ANTHROPIC_BASE_URL=\(address)")
            }
        }
        let conclusion = ServeConclusion(result, settings: settings.run, commandLine: command.shellLine)
        if !isQuiet, messages.writesJSON {
            messages.event(
                SummaryEvent.text(
                    of: settings.run.out, command: "serve", headline: conclusion.headline,
                    exitCode: conclusion.exitCode, counters: result.session.counters,
                    spending: result.session.spending))
        } else if !isQuiet {
            for line in conclusion.lines(messages.palette) { messages.line(line) }
        }
        if let error = conclusion.error { messages.report(error, from: "retort") }
        return conclusion.exitCode
    }
}
