/// Help texts generated from the specification. A pure function of specification, width and palette.
public struct HelpText: Sendable {
    let program: ProgramSpec
    let width: Int
    let palette: Palette

    /// - Parameter width: in cells; text is laid out for 40 to 120 of them.
    public init(_ program: ProgramSpec, width: Int = Terminal.defaultWidth, palette: Palette = .plain) {
        self.program = program
        self.width = min(max(width, Self.widthMin), Self.widthMax)
        self.palette = palette
    }

    private static let widthMin = 40
    private static let widthMax = 120
    /// The widest column of names; a longer name has its text on the next line.
    private static let nameColumnMax = 26

    /// The name and the version.
    public var versionLine: String { "\(program.name) \(program.version)" }

    /// The text for an invocation; ends with a newline.
    public func text(_ command: CommandSpec?, _ detail: HelpDetail) -> String {
        let sections = command.map { self.sections(of: $0, detail) } ?? programSections(detail)
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    private func programSections(_ detail: HelpDetail) -> [[String]] {
        var sections = [title("\(program.name)", program.summary)]
        sections.append(examples(program.examples))
        sections.append(
            section("Usage", ["  \(program.name) COMMAND [OPTIONS] [ARGUMENTS]", "  \(program.name) help COMMAND"]))
        sections.append(section("Commands", table(program.commands.map { ($0.name, [$0.summary]) })))
        sections += optionSections(program.generalOptions, detail)
        if detail == .full {
            sections.append(section("Environment", table(program.environmentTable.map { ($0.name, [$0.summary]) })))
            sections.append(exitCodes(ExitCode.allCases))
        }
        return sections
    }

    private func sections(of command: CommandSpec, _ detail: HelpDetail) -> [[String]] {
        let path = "\(program.name) \(command.name)"
        var sections = [title(path, command.summary), examples(command.examples)]
        sections.append(section("Usage", command.usage.map { "  \(path) \($0)" }))
        if detail == .full {
            for paragraph in TextLayout.paragraphs(command.details) {
                sections.append(TextLayout.wrap(paragraph, width))
            }
        }
        sections.append(section("Operands", table(command.operands.map { ($0.name, [$0.summary]) })))
        let options = program.options(of: command).filter { !$0.isHidden }
        let main = options.filter(\.isMain)
        if detail == .full {
            sections += optionSections(options, detail)
            sections.append(exitCodes(command.allExitCodes))
        } else if main.isEmpty {
            sections += optionSections(options, detail)
            sections.append(TextLayout.wrap("More: \(path) --help", width).map(palette.dim))
        } else {
            sections.append(
                section("Main options", table(main.map { (Self.names(of: $0), Self.description(of: $0, detail)) })))
            let more = "\(options.count - main.count) more options: \(path) --help"
            sections.append(TextLayout.wrap(more, width).map(palette.dim))
        }
        return sections
    }

    private func title(_ name: String, _ summary: String) -> [String] {
        let lines = TextLayout.wrap("\(name): \(summary)", width)
        guard let first = lines.first, first.hasPrefix(name) else { return lines }
        return [palette.bold(name) + first.dropFirst(name.count)] + lines.dropFirst()
    }

    private func section(_ heading: String, _ lines: [String]) -> [String] {
        lines.isEmpty ? [] : [palette.bold(heading + ":")] + lines
    }

    /// Each example's line, and what it does below. The line is never broken, so that it can be copied.
    private func examples(_ examples: [ExampleSpec]) -> [String] {
        section(
            "Examples",
            examples.flatMap { example in
                ["  " + palette.cyan(example.line)]
                    + TextLayout.wrap(example.summary, width - 6).map { palette.dim("      " + $0) }
            })
    }

    private func exitCodes(_ codes: [ExitCode]) -> [String] {
        section("Exit codes", table(codes.map { (String($0.rawValue), [$0.summary]) }))
    }

    /// A section per group, in the order in which the groups first appear.
    private func optionSections(_ options: [OptionSpec], _ detail: HelpDetail) -> [[String]] {
        let shown = options.filter { !$0.isHidden }
        var groups: [String] = []
        for option in shown where !groups.contains(option.group) { groups.append(option.group) }
        return groups.map { group in
            let rows = shown.filter { $0.group == group }.map { option in
                (Self.names(of: option), Self.description(of: option, detail))
            }
            return section(group, table(rows))
        }
    }

    /// `-o, --out DIR`, `    --[no-]progress`.
    static func names(of option: OptionSpec) -> String {
        let letter = option.letter.map { "-\($0), " } ?? "    "
        let name = option.isNegatable ? "--[no-]\(option.name)" : "--\(option.name)"
        return letter + name + (option.kind.takesValue ? " \(option.valueName)" : "")
    }

    /// The summary with the default and the variable; in the long form also the details.
    static func description(of option: OptionSpec, _ detail: HelpDetail) -> [String] {
        var notes: [String] = []
        let words = option.kind.words
        if !words.isEmpty && !words.allSatisfy({ option.valueName.contains($0) }) {
            notes.append("one of: \(words.joined(separator: ", "))")
        }
        if let text = option.defaultText { notes.append("default: \(text)") }
        if let name = option.environment { notes.append("env: \(name)") }
        if option.kind.isList { notes.append("can be repeated") }
        let first = option.summary + (notes.isEmpty ? "" : " [\(notes.joined(separator: "; "))]")
        return detail == .full ? [first] + TextLayout.paragraphs(option.details) : [first]
    }

    /// Rows of a name and its paragraphs, in two columns.
    private func table(_ rows: [(name: String, paragraphs: [String])]) -> [String] {
        let widest = rows.map { CellWidth.of($0.name) }.filter { $0 <= Self.nameColumnMax }.max() ?? 0
        let column = min(2 + max(widest, 4) + 2, width / 2)
        return rows.flatMap { row in
            let text = row.paragraphs.flatMap { TextLayout.wrap($0, width - column) }
            let indent = TextLayout.spaces(column)
            let used = 2 + CellWidth.of(row.name)
            let name = "  " + palette.green(row.name)
            if used + 2 > column || text.isEmpty { return [name] + text.map { indent + $0 } }
            return [name + TextLayout.spaces(column - used) + text[0]] + text.dropFirst().map { indent + $0 }
        }
    }
}
