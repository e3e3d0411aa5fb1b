import CommandLine

/// What a command is given besides its arguments.
struct CommandContext: Sendable {
    var messages: MessageStream
    var environment: [String: String]
    var errorTerminal: Terminal

    /// Progress is drawn here, and remarks are printed through it, so that neither breaks the other.
    func progressStream(_ command: ParsedCommand) -> MessageStream {
        let mode: ProgressMode = command.flag("quiet") ? .none : command.choice("progress")
        let style = ProgressStyle(
            mode, terminal: errorTerminal, environment: environment,
            every: command.duration("progress-every"))
        return MessageStream(terminal: errorTerminal, palette: messages.palette, progress: style)
    }
}
