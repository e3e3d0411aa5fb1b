internal import Basics

/// Options for output that any program may use; their words are the cases of the types that read them.
extension OptionSpec {
    static let generalGroup = "General options"

    /// `--color WHEN`: a `ColorChoice`.
    public static let color = OptionSpec(
        "color", kind: .choice(ColorChoice.allCases.map(\.rawValue)), valueName: "WHEN", summary: "when to use colours",
        details: "With auto there are colours on a terminal, unless NO_COLOR is set or TERM is dumb.",
        group: generalGroup, default: ColorChoice.auto.rawValue)

    /// `--progress HOW`: a `ProgressMode`.
    public static let progress = OptionSpec(
        "progress", kind: .choice(ProgressMode.allCases.map(\.rawValue)), valueName: "HOW",
        summary: "how to show progress on standard error",
        details: """
            line is one line that is redrawn, plain is a line of text every so often, json is the same for machines. \
            With auto it is line on a terminal and plain elsewhere.
            """,
        group: generalGroup, default: ProgressMode.auto.rawValue)

    /// `--progress-every TIME` or a number of items: the interval between two lines of `plain` and `json`.
    public static let progressEvery = OptionSpec(
        "progress-every",
        kind: .count(1...1_000_000_000_000, or: .duration(.milliseconds(10)...Interval.seconds(3600))),
        valueName: "TIME|ITEMS", summary: "time or items between two lines of plain and json progress",
        group: generalGroup, default: "10s")

    /// `-q, --quiet`: no progress and no remarks.
    public static let quiet = OptionSpec("quiet", "q", summary: "show errors only", group: generalGroup)

    /// `-h` and `--help`, which every command has.
    static let help = OptionSpec(
        "help", "h", summary: "show help (-h: in short, --help: at length)", group: generalGroup)
    /// `-V` and `--version`, which every command has.
    static let version = OptionSpec("version", "V", summary: "show the version", group: generalGroup)
}
