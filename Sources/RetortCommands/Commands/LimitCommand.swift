import Basics
import CommandLine
import Dataset
import Distillation
import SharedLimit

/// `retort limit`: one limit for many runs.
enum LimitCommand {
    static let spec = CommandSpec(
        "limit", summary: "divide one rate limit and budget among runs on many machines",
        details: """
            Runs with --limit-server HOST:PORT lease requests, tokens and money from it in small parts, so that all \
            together never cross the limits in any second or minute. A lease expires by itself, so a killed run \
            blocks nothing; money that it had leased and may have spent stays reserved until it is resumed. When the \
            API answers a run with 429, all runs slow down for a while.

            A run that loses the limiter continues within its lease, then waits, or takes --limit-fallback of the \
            limit. With --max-cost each run's share is kept in --state, so that a limiter that is killed and started \
            again knows it. Use it on a network that you trust: the token is sent in the clear.
            """,
        examples: [
            ExampleSpec("retort limit --rps 50 --tpm 2000000 --max-cost 300", "listen on port 8765 of this machine"),
            ExampleSpec(
                "retort limit --listen 0.0.0.0:8765 --rpm 30000 --token-file token",
                "for runs on other machines that know the token"),
            ExampleSpec(
                "retort run p.jsonl --shard 3/64 --out runs/shard-3 --limit-server login1:8765 --limit-token-file token",
                "one of these runs"),
        ],
        options: [
            OptionSpec(
                "listen", kind: .string, valueName: "HOST:PORT", summary: "where to listen; port 0 takes a free one",
                default: "127.0.0.1:8765"),
            OptionSpec("rps", kind: .number(0.001...1_000_000), summary: "requests per second of all runs together"),
            OptionSpec("rpm", kind: .number(0.01...100_000_000), summary: "requests per minute of all runs together"),
            OptionSpec("tpm", kind: .number(1...100_000_000_000), summary: "tokens per minute of all runs together"),
            OptionSpec(
                "max-cost", kind: .number(0...Double(LeaseRequest.moneyMax) / 1e9), valueName: "DOLLARS",
                summary: "maximum cost of the stores of all runs together"),
            OptionSpec(
                "token-file", kind: .path, valueName: "FILE", summary: "a file with the token that runs must send"),
            OptionSpec(
                "state", kind: .path, valueName: "FILE", summary: "keeps the money of each run over restarts",
                default: "retort-limit.state"),
        ],
        exitCodes: [.badData, .busy, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let terms = LimitTerms(
            requestsPerSecond: command.numberIfSet("rps"), requestsPerMinute: command.numberIfSet("rpm"),
            tokensPerMinute: command.numberIfSet("tpm"),
            moneyMax: command.numberIfSet("max-cost").map(Money.nanodollars))
        guard !terms.isEmpty else {
            throw RetortError(.usage, "there is no limit to divide", remedy: "Give --rps, --rpm, --tpm or --max-cost.")
        }
        let listen = command.string("listen")
        guard case .server(let host, let port) = try LimitAddress(listen) else {
            throw RetortError(
                .usage, "a file needs no limiter", remedy: "Give --limit-server file:PATH to each run, with its limits."
            )
        }
        let server = try LimitServer(
            terms, host: host, port: port, token: Array(try LimitOptions.token(command, "token-file").utf8),
            statePath: terms.moneyMax == nil ? nil : command.string("state"))
        SignalWatcher.onSignal { _ in server.stop() }
        let output = DataOutput.standardOutput()
        try output.line("\(host.contains(":") ? "[\(host)]" : host):\(server.port)")
        try output.flush()
        if !command.flag("quiet") { context.messages.line("dividing \(terms.words); Ctrl-C ends it") }
        let result = await onThread { () throws(RetortError) in try server.run() }
        let counts = server.counts
        if !command.flag("quiet") {
            var text =
                "\(Human.count(counts.requests)) requests allowed in \(Human.plural(counts.leases, "lease"))"
            if counts.refusals > 0 { text += ", \(Human.count(counts.refusals)) refused by the API" }
            if counts.refused > 0 { text += "; \(Human.count(counts.refused)) questions with a wrong token" }
            if counts.notNoted > 0 {
                text += "; \(Human.count(counts.notNoted)) questions not answered, since the disk was full"
            }
            if let left = counts.moneyLeft { text += "; \(Human.dollars(Money.dollars(left))) not leased" }
            context.messages.line(text)
        }
        try result.get()
        return .ok
    }

    /// Runs the work without blocking a thread of the cooperative pool.
    private static func onThread(
        _ work: @escaping @Sendable () throws(RetortError) -> Void
    ) async -> Result<Void, RetortError> {
        await withCheckedContinuation { continuation in
            WorkThread.start {
                do throws(RetortError) {
                    try work()
                    continuation.resume(returning: .success(()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
    }
}
