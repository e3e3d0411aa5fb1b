/// One option: the specification from which parsing, help, completion and the manual page are derived.
public struct OptionSpec: Sendable, Hashable {
    /// The long name without its dashes, in lower case: `max-cost`.
    public var name: String
    /// The one-letter form without its dash.
    public var letter: Character?
    /// The kind of its value, or `.flag`.
    public var kind: ValueKind
    /// The value's name in help; by default the kind's placeholder.
    public var valueName: String
    /// One line for the short help: lower case, no full stop.
    public var summary: String
    /// Further sentences for the long help and the manual page; may be empty.
    public var details: String
    /// The heading under which help lists the option.
    public var group: String
    /// Whether `--no-NAME` exists; flags only.
    public var isNegatable: Bool
    /// The environment variable that is read when the command line does not have the option.
    public var environment: String?
    /// The default value, written as the user would write it.
    public var defaultText: String?
    /// Whether help and completion omit the option.
    public var isHidden: Bool
    /// Whether the short help of a command with many options shows it.
    public var isMain = false
    /// Whether a second value is an error; for other options the last value counts.
    public var isOnce: Bool

    public init(
        _ name: String, _ letter: Character? = nil, kind: ValueKind = .flag, valueName: String? = nil,
        summary: String, details: String = "", group: String = "Options", negatable: Bool = false,
        environment: String? = nil, default defaultText: String? = nil, hidden: Bool = false,
        once: Bool = false
    ) {
        self.name = name
        self.letter = letter
        self.kind = kind
        self.valueName = valueName ?? kind.placeholder
        self.summary = summary
        self.details = details
        self.group = group
        self.isNegatable = negatable
        self.environment = environment
        self.defaultText = defaultText
        self.isHidden = hidden
        self.isOnce = once
    }

    /// The same option, shown by the short help of a command with many.
    public var main: OptionSpec {
        var option = self
        option.isMain = true
        return option
    }

    /// Every spelling with its dashes, the letter first: `-o`, `--out`; `--color`, `--no-color`.
    public var spellings: [String] {
        var all: [String] = []
        if let letter { all.append("-\(letter)") }
        all.append("--\(name)")
        if isNegatable { all.append("--no-\(name)") }
        return all
    }
}
