/// When to use colours: `--color auto|always|never`.
public enum ColorChoice: String, Sendable, CaseIterable {
    case auto
    case always
    case never
}

/// Text styles of a terminal, as a value: with colours or without any effect.
public struct Palette: Sendable, Hashable {
    /// Whether the styles have any effect.
    public let isColored: Bool

    public init(isColored: Bool) { self.isColored = isColored }

    /// Without any effect.
    public static let plain = Palette(isColored: false)
    /// Always coloured, wherever the text goes.
    public static let colored = Palette(isColored: true)

    /// The user's choice takes precedence; `auto` colours a terminal unless `NO_COLOR` is set (https://no-color.org) or
    /// `TERM` is `dumb`.
    public init(_ choice: ColorChoice, isTerminal: Bool, environment: [String: String]) {
        switch choice {
        case .always: isColored = true
        case .never: isColored = false
        case .auto:
            isColored = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        }
    }

    public func bold(_ text: String) -> String { styled("1", text) }
    public func dim(_ text: String) -> String { styled("2", text) }
    public func red(_ text: String) -> String { styled("31", text) }
    public func green(_ text: String) -> String { styled("32", text) }
    public func yellow(_ text: String) -> String { styled("33", text) }
    public func cyan(_ text: String) -> String { styled("36", text) }

    /// ECMA-48 "select graphic rendition", and its reset.
    private func styled(_ code: String, _ text: String) -> String {
        isColored && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
