import Basics
import CommandLine
import Distillation
import JSONText

/// `retort ctl`: changes a running run.
enum CtlCommand {
    static let spec = CommandSpec(
        "ctl", summary: "pause, resume, drain, stop or adjust a run while it goes",
        details: """
            Commands:
              pause                 send nothing new; requests in flight continue
              resume                send again
              drain                 end the run when its requests in flight have returned
              stop                  end it now; the next run sends what was in flight
              set NAME=VALUE ...    concurrency=512 rps=10 rpm=off tpm=100000 max-cost=20
              requeue ID            send a failed item of the run again, now
              hold MODEL            items of this model wait; release MODEL ends that
              explain               explain what limits the rate

            A run listens on a socket in its store (control.sock), which only its user may open. Changes hold until the run \
            ends; each is appended to changes.jsonl in the store. The run's messages and its page show it.

            Of a job with stages, OUT means all of them, those that begin later too, and OUT/STAGE one of them. rps, rpm and tpm \
            are limits of each stage, so two stages at one server may send twice as much; concurrency is the window of all stages \
            at one server, max-cost is that of all together; requeue asks the first stage in which ID has failed.
            """,
        examples: [
            ExampleSpec("retort ctl runs/a set concurrency=512 rpm=600", "a wider window, a limit on the pace"),
            ExampleSpec("retort ctl runs/a drain", "end it without losing what is in flight"),
            ExampleSpec("retort ctl runs/a requeue q-17", "a failed item again, without a retry of all"),
            ExampleSpec("retort ctl runs/a explain", "why it is not faster"),
        ],
        operands: [
            OperandSpec("STORE", kind: .path, summary: "the directory of the run, or of the stages"),
            OperandSpec("COMMAND", .atLeastOne, kind: .string, summary: ControlCommand.words.joined(separator: ", ")),
        ],
        options: [OptionSpec("json", summary: "the run's reply as one JSON object")],
        exitCodes: [.notFound, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let root = command.operand("STORE")!
        let change = try ControlCommand(command.operands("COMMAND"))
        let reply = try ControlRoute.send(change, to: root)
        let parsed = try? JSONParser().parse(reply).root
        let isDone = parsed?["done"]?.bool ?? false
        let output = DataOutput.standardOutput()
        if command.flag("json") {
            try output.line(String(decoding: reply, as: UTF8.self))
        } else if isDone, !command.flag("quiet") {
            try output.line(parsed?["message"]?.string ?? "")
        }
        try output.flush()
        if isDone { return .ok }
        if !command.flag("json") {
            throw RetortError(
                .configuration, parsed?["error"]?.string ?? "the run gave a reply that cannot be read", at: root)
        }
        return .configuration
    }
}
