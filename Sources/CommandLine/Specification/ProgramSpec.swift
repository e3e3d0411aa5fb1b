/// An environment variable that the program reads and that does not set an option.
public struct EnvironmentSpec: Sendable, Hashable {
    public var name: String
    /// One line: lower case, no full stop.
    public var summary: String

    public init(_ name: String, _ summary: String) {
        self.name = name
        self.summary = summary
    }
}

/// The complete specification of a program: its commands and what they share.
public struct ProgramSpec: Sendable, Hashable {
    /// As the user types it.
    public var name: String
    /// As `--version` shows it.
    public var version: String
    /// One line: lower case, no full stop.
    public var summary: String
    /// In the order of help.
    public var commands: [CommandSpec]
    /// Options of every command; they may also precede the command's name.
    public var sharedOptions: [OptionSpec]
    /// Variables that the program reads in addition to those of its options.
    public var environment: [EnvironmentSpec]

    /// The first examples of the program's own help.
    public var examples: [ExampleSpec]
    /// Names of other programs' options that correspond to this one's.
    public var synonyms: [SynonymSpec]

    public init(
        name: String, version: String, summary: String, commands: [CommandSpec], sharedOptions: [OptionSpec] = [],
        environment: [EnvironmentSpec] = [], examples: [ExampleSpec] = [], synonyms: [SynonymSpec] = []
    ) {
        self.name = name
        self.version = version
        self.summary = summary
        self.commands = commands
        self.sharedOptions = sharedOptions
        self.environment = environment
        self.examples = examples
        self.synonyms = synonyms
    }

    /// The options of every command: the shared ones, `--help` and `--version`.
    public var generalOptions: [OptionSpec] { sharedOptions + [.help, .version] }

    /// Every option of `command`, its own first.
    public func options(of command: CommandSpec) -> [OptionSpec] { command.options + generalOptions }

    /// The command of that name.
    public func command(named name: String) -> CommandSpec? { commands.first { $0.name == name } }
}
