import CommandLine
import Distillation

/// `retort completion`: scripts for shells, and the manual page.
enum CompletionCommand {
    static let spec = CommandSpec(
        "completion", summary: "print a completion script, or the manual page",
        examples: [
            ExampleSpec("retort completion bash", "for ~/.local/share/bash-completion/completions/retort"),
            ExampleSpec("retort completion man", "for man1/retort.1"),
        ],
        operands: [
            OperandSpec(
                "SHELL", kind: .choice(CompletionShell.allCases.map(\.rawValue) + ["man"]),
                summary: "bash, zsh, fish, or man for the manual page")
        ])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let output = DataOutput.standardOutput()
        let name = command.operand("SHELL") ?? ""
        if let shell = CompletionShell(rawValue: name) {
            try output.write(shell.script(for: RetortProgram.spec))
        } else {
            try output.write(ManualPage(RetortProgram.spec).roff)
        }
        try output.flush()
        return .ok
    }
}
