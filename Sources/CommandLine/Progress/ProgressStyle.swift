public import Basics

/// The user's choice: `--progress auto|line|plain|json|none`.
public enum ProgressMode: String, Sendable, CaseIterable {
    case auto
    case line
    case plain
    case json
    case none
}

/// How progress is shown.
public enum ProgressStyle: Sendable, Hashable {
    /// One line that is redrawn.
    case line
    /// A line of text at an interval.
    case plain(every: Interval)
    /// A JSON object on a line at an interval.
    case json(every: Interval)
    case none

    /// The style for a mode. `auto` is a redrawn line on a capable terminal (not `TERM=dumb`), and text elsewhere.
    public init(
        _ mode: ProgressMode, terminal: Terminal, environment: [String: String],
        every interval: Interval = .seconds(10)
    ) {
        switch mode {
        case .line: self = .line
        case .plain: self = .plain(every: interval)
        case .json: self = .json(every: interval)
        case .none: self = .none
        case .auto:
            self = terminal.isTerminal && environment["TERM"] != "dumb" ? .line : .plain(every: interval)
        }
    }
}
