import CommandLine
import Distillation
import Glibc
import HTTPTransport

/// The program: parses the command line, runs the command, returns the exit status.
public enum RetortMain {
    /// Runs the program and ends the process. Call it on the main thread before starting anything else.
    public static func start() -> Never {
        StandardStreams.ignoreBrokenPipes()
        SignalWatcher.start()
        // A reader keeps all segments open, and each request in flight needs a socket.
        DescriptorLimit.raise()
        Task { exit(await run().rawValue) }
        while true { pause() }
    }

    private static func run() async -> ExitCode {
        let environment = ProcessStart.environment()
        let terminal = Terminal.standardError(environment: environment)
        let early = MessageStream(
            terminal: terminal, palette: Palette(.auto, isTerminal: terminal.isTerminal, environment: environment))
        return await StandardStreams.run("retort", messages: early) {
            let parser = ArgumentParser(RetortProgram.spec)
            try ProcessStart.checkEncoding(variables: RetortProgram.spec.variables)
            switch try parser.parse(ProcessStart.arguments, environment: environment) {
            case .help(let command, let detail):
                try print(help: command, detail, environment)
                return .ok
            case .version:
                try print("\(HelpText(RetortProgram.spec).versionLine)\n\(LibraryVersions.line)\n")
                return .ok
            case .run(let command):
                return try await run(command, terminal: terminal, environment: environment)
            }
        }
    }

    private static func run(
        _ command: ParsedCommand, terminal: Terminal, environment: [String: String]
    ) async throws -> ExitCode {
        let palette = Palette(command.choice("color"), isTerminal: terminal.isTerminal, environment: environment)
        let context = CommandContext(
            messages: MessageStream(terminal: terminal, palette: palette), environment: environment,
            errorTerminal: terminal)
        guard let entry = RetortProgram.entries.first(where: { $0.spec.name == command.spec.name }) else {
            preconditionFailure("the table has no \(command.spec.name)")
        }
        return try await entry.run(command, context)
    }

    private static func print(
        help command: CommandSpec?, _ detail: HelpDetail, _ environment: [String: String]
    ) throws {
        let terminal = Terminal.standardOutput(environment: environment)
        let palette = Palette(.auto, isTerminal: terminal.isTerminal, environment: environment)
        try print(HelpText(RetortProgram.spec, width: terminal.width, palette: palette).text(command, detail))
    }

    private static func print(_ text: String) throws {
        let output = DataOutput.standardOutput()
        try output.write(text)
        try output.flush()
    }
}
