/// Completion for fish.
struct FishCompletion {
    let program: ProgramSpec

    var script: String {
        let noCommand = "not __fish_seen_subcommand_from \(commandNames)"
        var lines = ["# fish completion for \(program.name)", "complete -c \(program.name) -f"]
        for command in program.commands {
            lines.append(line(noCommand, ["-a", command.name, "-d", quoted(command.summary)]))
        }
        lines.append(line(noCommand, ["-a", "help", "-d", quoted("show the help of a command")]))
        for option in program.generalOptions where !option.isHidden {
            lines += self.lines(option, when: nil)
        }
        let names = program.commands.map(\.name).joined(separator: " ")
        lines.append(line("__fish_seen_subcommand_from help", ["-a", quoted(names)]))
        for command in program.commands {
            let condition = "__fish_seen_subcommand_from \(command.name)"
            for option in command.options where !option.isHidden { lines += self.lines(option, when: condition) }
            for operand in command.operands {
                let offer = values(operand.kind)
                if !offer.isEmpty { lines.append(line(condition, offer)) }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var commandNames: String { (program.commands.map(\.name) + ["help"]).joined(separator: " ") }

    private func line(_ condition: String?, _ words: [String]) -> String {
        let when = condition.map { ["-n", quoted($0)] } ?? []
        return (["complete", "-c", program.name] + when + words).joined(separator: " ")
    }

    private func lines(_ option: OptionSpec, when condition: String?) -> [String] {
        var words = ["-l", option.name, "-d", quoted(option.summary)]
        if let letter = option.letter { words += ["-s", String(letter)] }
        if option.kind.takesValue { words += ["-r"] + values(option.kind) }
        let negative = ["-l", "no-\(option.name)", "-d", quoted("not: \(option.summary)")]
        return [line(condition, words)] + (option.isNegatable ? [line(condition, negative)] : [])
    }

    private func values(_ kind: ValueKind) -> [String] {
        if !kind.words.isEmpty { return ["-a", quoted(kind.words.joined(separator: " "))] }
        return kind.isPath ? ["-F"] : []
    }

    /// Fish knows two escapes in single quotes.
    private func quoted(_ text: String) -> String {
        "'" + text.flatMap { "'\\".contains($0) ? ["\\", $0] : [$0] } + "'"
    }
}
