/// How many operands of one name a command accepts.
public enum OperandCount: Sendable, Hashable {
    case one
    case optional
    case any
    case atLeastOne

    var least: Int { self == .one || self == .atLeastOne ? 1 : 0 }
    var most: Int { self == .one || self == .optional ? 1 : .max }
}

/// An operand: an argument that is not an option.
public struct OperandSpec: Sendable, Hashable {
    /// The name in capitals: `STORE`.
    public var name: String
    /// How many arguments it accepts.
    public var count: OperandCount
    /// The kind of each argument; not a flag and not a list.
    public var kind: ValueKind
    /// One line: lower case, no full stop.
    public var summary: String

    public init(_ name: String, _ count: OperandCount = .one, kind: ValueKind = .string, summary: String) {
        self.name = name
        self.count = count
        self.kind = kind
        self.summary = summary
    }

    /// The operand as usage lines show it: `STORE`, `[STORE]`, `ID...`, `[ID...]`.
    public var usage: String {
        switch count {
        case .one: name
        case .optional: "[\(name)]"
        case .atLeastOne: "\(name)..."
        case .any: "[\(name)...]"
        }
    }
}

/// An example command line and its description.
public struct ExampleSpec: Sendable, Hashable {
    /// The whole line as typed, program name included. It must parse.
    public var line: String
    /// One line: lower case, no full stop.
    public var summary: String

    public init(_ line: String, _ summary: String) {
        self.line = line
        self.summary = summary
    }
}

/// One command of the program.
public struct CommandSpec: Sendable, Hashable {
    /// Characters a-z, 0-9 and `-`.
    public var name: String
    /// One line: lower case, no full stop.
    public var summary: String
    /// Paragraphs for the long help and the manual page, separated by empty lines; may be empty.
    public var details: String
    /// Shown first in help.
    public var examples: [ExampleSpec]
    /// In the order in which arguments are assigned to them; only the last may accept any number.
    public var operands: [OperandSpec]
    /// Its own options, in the order of help; the shared ones follow.
    public var options: [OptionSpec]
    /// The exit codes it can end with, in addition to those of every command (0 and 64).
    public var exitCodes: [ExitCode]
    /// What follows the command's name in each usage line; by default one line made from the operands.
    public var usage: [String]
    /// The prefix of environment variables that set the options: `RETORT_` for `RETORT_MAX_TOKENS`. Nil if only the
    /// variables named by options exist.
    public var environmentPrefix: String?

    public init(
        _ name: String, summary: String, details: String = "", usage: [String]? = nil, examples: [ExampleSpec] = [],
        operands: [OperandSpec] = [], options: [OptionSpec] = [], exitCodes: [ExitCode] = [],
        environmentPrefix: String? = nil
    ) {
        self.environmentPrefix = environmentPrefix
        self.name = name
        self.summary = summary
        self.details = details
        self.examples = examples
        self.operands = operands
        self.options = options
        self.exitCodes = exitCodes
        let parts = (options.isEmpty ? [] : ["[OPTIONS]"]) + operands.map(\.usage)
        self.usage = usage ?? [parts.joined(separator: " ")]
    }

    /// The variables that set an option; the first one that is set counts.
    func variables(of option: OptionSpec) -> [String] {
        var variables: [String] = []
        if let environmentPrefix, option.name != OptionSpec.help.name, option.name != OptionSpec.version.name {
            variables.append(environmentPrefix + option.name.uppercased().replacing("-", with: "_"))
        }
        if let variable = option.environment, !variables.contains(variable) { variables.append(variable) }
        return variables
    }

    /// Variables with the command's prefix that stand in for none of its options, but are nearly called like one's.
    public func misspeltVariables(in environment: [String: String]) -> [(name: String, meant: String)] {
        guard let environmentPrefix else { return [] }
        let known = Set(options.flatMap(variables(of:)))
        let words = options.map(\.name)
        return environment.keys.sorted().compactMap { name in
            guard name.hasPrefix(environmentPrefix), !known.contains(name) else { return nil }
            let word = name.dropFirst(environmentPrefix.count).lowercased().replacing("_", with: "-")
            guard let meant = Suggestion.nearest(to: word, among: words), meant != word else { return nil }
            return (name, environmentPrefix + meant.uppercased().replacing("-", with: "_"))
        }
    }

    /// Every exit code it can end with, in order.
    public var allExitCodes: [ExitCode] {
        Set(exitCodes + [.ok, .usage]).sorted { $0.rawValue < $1.rawValue }
    }
}
