/// The manual page of the whole program in roff, with the man macros.
public struct ManualPage: Sendable {
    let program: ProgramSpec

    public init(_ program: ProgramSpec) { self.program = program }

    /// The page for section 1; ends with a newline.
    public var roff: String {
        var lines = [
            ".TH \(quoted(program.name.uppercased())) 1 \"\" \(quoted("\(program.name) \(program.version)")) \(quoted("User Commands"))"
        ]
        lines += [".SH NAME", text("\(program.name) - \(program.summary)")]
        lines += [".SH SYNOPSIS"]
        for (index, command) in program.commands.enumerated() {
            if index > 0 { lines.append(".br") }
            lines += command.usage.map { ".B \(quoted("\(program.name) \(command.name)"))\n\(text($0))" }
        }
        lines += examples(program.examples)
        lines += [".SH COMMANDS"] + program.commands.flatMap(section)
        lines += [".SH OPTIONS", "These hold for every command."]
        lines += program.generalOptions.filter { !$0.isHidden }.flatMap(entry)
        lines += tagged(".SH ENVIRONMENT", program.environmentTable.map { ($0.name, $0.summary) })
        lines += tagged(".SH \"EXIT STATUS\"", ExitCode.allCases.map { (String($0.rawValue), $0.summary) })
        return lines.joined(separator: "\n") + "\n"
    }

    private func section(_ command: CommandSpec) -> [String] {
        var lines = [".SS \(quoted("\(program.name) \(command.name)"))", text(sentence(command.summary))]
        for paragraph in TextLayout.paragraphs(command.details) { lines += [".PP", text(paragraph)] }
        for operand in command.operands {
            lines += [".TP", ".I \(quoted(operand.usage))", text(sentence(operand.summary))]
        }
        lines += command.options.filter { !$0.isHidden }.flatMap(entry)
        for example in command.examples {
            lines += [".PP", text(sentence(example.summary)), ".RS", ".EX", text(example.line), ".EE", ".RE"]
        }
        return lines
    }

    private func entry(_ option: OptionSpec) -> [String] {
        let spellings = option.spellings.map { "\\fB\(escaped($0))\\fR" }.joined(separator: ", ")
        let value = option.kind.takesValue ? " \\fI\(escaped(option.valueName))\\fR" : ""
        let paragraphs = HelpText.description(of: option, .full)
        var lines = [".TP", spellings + value, text(sentence(paragraphs[0]))]
        for paragraph in paragraphs.dropFirst() { lines += [".IP", text(paragraph)] }
        return lines
    }

    private func examples(_ examples: [ExampleSpec]) -> [String] {
        if examples.isEmpty { return [] }
        return [".SH EXAMPLES"]
            + examples.flatMap { [".TP", ".B \(quoted($0.line))", text(sentence($0.summary))] }
    }

    private func tagged(_ heading: String, _ rows: [(String, String)]) -> [String] {
        rows.isEmpty ? [] : [heading] + rows.flatMap { [".TP", ".B \(quoted($0.0))", text(sentence($0.1))] }
    }

    private func sentence(_ summary: String) -> String {
        guard let first = summary.first else { return "" }
        return first.uppercased() + summary.dropFirst() + (summary.hasSuffix("]") ? "" : ".")
    }

    /// A line of text: a leading dot or apostrophe would be a request.
    private func text(_ text: String) -> String {
        let text = escaped(text)
        return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + text : text
    }

    /// An argument of a request.
    private func quoted(_ text: String) -> String { "\"" + escaped(text).replacing("\"", with: "\\(dq") + "\"" }

    private func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "\n": result += " "
            default: result.append(character)
            }
        }
    }
}
