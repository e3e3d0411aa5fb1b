extension ParsedCommand {
    /// Arguments that parse to the same values and operands, in the specification's order. Contains only what the
    /// command line gave: for messages such as "resume with ..." and for round trips in tests.
    public var arguments: [String] {
        var arguments = [spec.name]
        for option in options.values.sorted(by: { $0.name < $1.name }) {
            guard let given = given[option.name], given.source == .commandLine else { continue }
            arguments += written(given.value, of: option)
        }
        let operands = spec.operands.flatMap { operandTexts[$0.name] ?? [] }
        if operands.contains(where: { $0.hasPrefix("-") && $0 != "-" }) { arguments.append("--") }
        return arguments + operands
    }

    private func written(_ value: OptionValue, of option: OptionSpec) -> [String] {
        switch value {
        case .flag(let isOn): [isOn ? "--\(option.name)" : "--no-\(option.name)"]
        case .list(let values): values.map { "--\(option.name)=\($0.text)" }
        default: ["--\(option.name)=\(value.text)"]
        }
    }

    /// The program's name and `arguments` as one line for a POSIX shell.
    public var shellLine: String {
        ([programName] + arguments).map(ShellText.quoted).joined(separator: " ")
    }
}

/// Text for POSIX shells.
public enum ShellText {
    /// The word unchanged if it is plain, otherwise in single quotes.
    public static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "-_./:=,@%+".utf8.contains(byte)
            }
        return isPlain ? word : singleQuoted(word)
    }

    /// The word in single quotes, its own quotes as `'\''`.
    static func singleQuoted(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
