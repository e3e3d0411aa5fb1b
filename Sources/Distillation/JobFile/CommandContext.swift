import Basics
package import CommandLine

/// A command's environment, in addition to its arguments.
package struct CommandContext: Sendable {
    package var messages: MessageStream
    package var environment: [String: String]
    package var errorTerminal: Terminal

    package init(messages: MessageStream, environment: [String: String], errorTerminal: Terminal) {
        self.messages = messages
        self.environment = environment
        self.errorTerminal = errorTerminal
    }

    /// Says which variables of the environment do nothing, but look as if they were meant to.
    package func noteMisspeltVariables(_ command: ParsedCommand) {
        guard !command.flag("quiet") else { return }
        for (name, meant) in command.spec.misspeltVariables(in: environment) {
            messages.line(CellWidth.sanitized("note: \(name) is not read; did you mean \(meant)?"))
        }
    }

    /// Progress and messages share this stream, so that neither interrupts the other.
    package func progressStream(_ command: ParsedCommand) -> MessageStream {
        // A quiet command that names a form of progress explicitly still writes that.
        let isSilent = command.flag("quiet") && !command.isGiven("progress")
        let mode: ProgressMode = isSilent ? .none : command.choice("progress")
        let style = ProgressStyle(
            mode, terminal: errorTerminal, environment: environment,
            every: command.durationIfSet("progress-every") ?? .seconds(10))
        return MessageStream(
            terminal: errorTerminal, palette: mode == .json ? .plain : messages.palette, progress: style,
            itemsEvery: command.integerIfSet("progress-every"))
    }
}
