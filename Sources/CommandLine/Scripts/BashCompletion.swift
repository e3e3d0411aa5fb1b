/// Completion for bash 4 and later. It does not need the bash-completion package.
struct BashCompletion {
    let program: ProgramSpec

    var script: String {
        let name = program.functionName
        return """
            # bash completion for \(program.name)
            \(name)() {
                local cur=${COMP_WORDS[COMP_CWORD]} prev= command= i
                ((COMP_CWORD > 0)) && prev=${COMP_WORDS[COMP_CWORD-1]}
                # bash cuts words at '='.
                if [[ $cur == '=' ]]; then
                    cur=
                elif [[ $prev == '=' ]] && ((COMP_CWORD > 1)); then
                    prev=${COMP_WORDS[COMP_CWORD-2]}
                fi
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case ${COMP_WORDS[i]} in
            \(sharedValueSkip)        -*) ;;
                    *) command=${COMP_WORDS[i]}; break ;;
                    esac
                done
                COMPREPLY=()
                case "$command,$prev" in
            \(valueCases)
                esac
                case $command in
                '')
                    COMPREPLY=($(compgen -W '\(commandWords)' -- "$cur")) ;;
                help)
                    COMPREPLY=($(compgen -W '\(program.commands.map(\.name).joined(separator: " "))' -- "$cur")) ;;
            \(commandCases)
                esac
            }
            complete -o filenames -F \(name) \(program.name)

            """
    }

    /// Shared options may precede the command; their values are not commands.
    private var sharedValueSkip: String {
        let spellings = program.sharedOptions.filter(\.kind.takesValue).flatMap(\.spellings)
        if spellings.isEmpty { return "" }
        let skip = "((i++)); [[ ${COMP_WORDS[i]} == '=' ]] && ((i++)) ;;"
        return "        \(spellings.joined(separator: "|"))) \(skip)\n"
    }

    private var commandWords: String {
        let options = program.generalOptions.filter { !$0.isHidden }.flatMap(\.spellings).filter { $0.count > 2 }
        return (program.commands.map(\.name) + ["help"] + options).joined(separator: " ")
    }

    /// A case for each option with a value: what to complete.
    private var valueCases: String {
        var cases: [String] = []
        for option in program.sharedOptions where option.kind.takesValue {
            cases.append(valueCase("*", option))
        }
        for command in program.commands {
            for option in command.options where option.kind.takesValue && !option.isHidden {
                cases.append(valueCase(command.name, option))
            }
        }
        return cases.joined(separator: "\n")
    }

    private func valueCase(_ command: String, _ option: OptionSpec) -> String {
        let patterns = option.spellings.map { "\(command),\($0)" }.joined(separator: "|")
        return "    \(patterns)) \(action(option.kind) ?? "true"); return ;;"
    }

    /// The completion of values of a kind; nil if there is none.
    private func action(_ kind: ValueKind) -> String? {
        if !kind.words.isEmpty {
            return "COMPREPLY=($(compgen -W '\(kind.words.joined(separator: " "))' -- \"$cur\"))"
        }
        return kind.isPath ? Self.offerFiles : nil
    }

    /// Names with spaces are kept whole.
    private static let offerFiles = "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")"

    private var commandCases: String {
        program.commands.map { command in
            let spellings = program.visibleOptions(of: command).flatMap(\.spellings).filter { $0.count > 2 }
            let operands = command.operands.compactMap { action($0.kind) }.first ?? ":"
            return """
                    \(command.name))
                        if [[ $cur == -* ]]; then
                            COMPREPLY=($(compgen -W '\(spellings.joined(separator: " "))' -- "$cur"))
                        else
                            \(operands)
                        fi ;;
                """
        }.joined(separator: "\n")
    }
}
