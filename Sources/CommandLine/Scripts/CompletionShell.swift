/// The shells with a completion script.
public enum CompletionShell: String, Sendable, CaseIterable {
    case bash
    case zsh
    case fish

    /// The script, generated from the program's specification. Source it in bash, install it in zsh's `fpath` as
    /// `_NAME`, or in fish's `completions` folder as `NAME.fish`.
    public func script(for program: ProgramSpec) -> String {
        switch self {
        case .bash: BashCompletion(program: program).script
        case .zsh: ZshCompletion(program: program).script
        case .fish: FishCompletion(program: program).script
        }
    }
}

extension ProgramSpec {
    /// The shell function's name: letters, digits and underscores.
    var functionName: String { "_" + String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" }) }

    func visibleOptions(of command: CommandSpec) -> [OptionSpec] { options(of: command).filter { !$0.isHidden } }
}
