import Basics
import CommandLine
import Distillation
import RunMonitor

/// `retort watch`: the page of a run, from another process.
enum WatchCommand {
    static let spec = CommandSpec(
        "watch", summary: "serve the live page of a store, during its run or afterwards",
        details: """
            The page is the one of `run --listen`, made of what the run writes into its store: it is a second late, and its \
            latencies are those of the newest records in the journal. Its buttons reach the run by its socket and need the \
            token that is printed. Ctrl-C ends the page, not the run.
            """,
        examples: [
            ExampleSpec("retort watch runs/a", "then open the address that is printed"),
            ExampleSpec("retort watch runs/a --listen 127.0.0.1:0", "on any free port"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run, or of stages")],
        options: [
            OptionSpec(
                "listen", kind: .string, valueName: "HOST:PORT", summary: "where to serve the page",
                default: "127.0.0.1:7788"),
            OptionSpec(
                "listen-token-file", kind: .path, summary: "a file with the token that the page's buttons need; see run"
            ),
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let follower = try StoreFollower(command.operand("STORE")!)
        var address = try ListenAddress(command.string("listen"))
        if let path = command.stringIfSet("listen-token-file") { address.token = try ListenAddress.token(in: path) }
        let server = try MonitorServer(follower, host: address.host, port: address.port, token: address.token)
        let token = address.token == nil ? "#token=\(server.token)" : ""
        context.messages.line("live page: \(server.address)\(token)")
        follower.start()
        await withUnsafeContinuation { continuation in
            let waiting = Locked<UnsafeContinuation<Void, Never>?>(continuation)
            SignalWatcher.onSignal { _ in
                let first = waiting.withLock { waiting in
                    defer { waiting = nil }
                    return waiting
                }
                first?.resume()
            }
        }
        follower.stop()
        server.stop()
        return .ok
    }
}
