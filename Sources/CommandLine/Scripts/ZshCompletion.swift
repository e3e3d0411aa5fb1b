/// Completion for zsh, using `_arguments`.
struct ZshCompletion {
    let program: ProgramSpec

    var script: String {
        let name = program.functionName
        let functions = program.commands.map { command in
            """
            \(name)_\(Self.identifier(command.name))() {
                _arguments -s -S : \\
            \(lines(for: command).map { "        " + $0 }.joined(separator: " \\\n"))
            }
            """
        }
        let cases = program.commands.map { "    \($0.name)) \(name)_\(Self.identifier($0.name)) ;;" }
        return """
            #compdef \(program.name)
            # zsh completion for \(program.name)

            \(name)_commands() {
                local -a commands=(
            \(commandRows)
                )
                _describe -t commands command commands
            }

            \(functions.joined(separator: "\n\n"))

            \(name)() {
                local curcontext=$curcontext state line
                _arguments -s -S -C : \\
            \(generalLines) \\
                    '1:command:\(name)_commands' \\
                    '*::argument:->arguments'
                [[ $state == arguments ]] || return
                case $line[1] in
                help) \(name)_commands ;;
            \(cases.joined(separator: "\n"))
                esac
            }

            if [[ $funcstack[1] == \(name) ]]; then
                \(name) "$@"
            else
                compdef \(name) \(program.name)
            fi

            """
    }

    private var commandRows: String {
        let rows = program.commands.map { ($0.name, $0.summary) } + [("help", "show the help of a command")]
        return rows.map { "        " + ShellText.singleQuoted("\($0.0):\($0.1)") }.joined(separator: "\n")
    }

    private var generalLines: String {
        program.generalOptions.filter { !$0.isHidden }.flatMap(lines).map { "        " + $0 }
            .joined(separator: " \\\n")
    }

    private func lines(for command: CommandSpec) -> [String] {
        program.visibleOptions(of: command).flatMap(lines)
            + command.operands.enumerated().map { index, operand in
                let position = operand.count == .any || operand.count == .atLeastOne ? "*" : "\(index + 1)"
                let colon = operand.count == .optional ? "::" : ":"
                return ShellText.singleQuoted("\(position)\(colon)\(operand.name):\(action(operand.kind))")
            }
    }

    /// One line per spelling: `'(-o --out)--out=[summary]:DIR:_files'`.
    private func lines(_ option: OptionSpec) -> [String] {
        let exclusive = option.kind.isList ? "*" : "(\(option.spellings.joined(separator: " ")))"
        return option.spellings.map { spelling in
            let isLong = spelling.hasPrefix("--")
            let mark = option.kind.takesValue ? (isLong ? "=" : "+") : ""
            let value = option.kind.takesValue ? ":\(Self.escaped(option.valueName, ":")):\(action(option.kind))" : ""
            return ShellText.singleQuoted(
                "\(exclusive)\(spelling)\(mark)[\(Self.escaped(option.summary, "[]"))]\(value)")
        }
    }

    private func action(_ kind: ValueKind) -> String {
        if !kind.words.isEmpty { return "(\(kind.words.joined(separator: " ")))" }
        return kind.isPath ? "_files" : " "
    }

    private static func escaped(_ text: String, _ special: String) -> String {
        String(text.flatMap { $0 == "\\" || special.contains($0) ? ["\\", $0] : [$0] })
    }

    private static func identifier(_ name: String) -> String { String(name.map { $0 == "-" ? "_" : $0 }) }
}
