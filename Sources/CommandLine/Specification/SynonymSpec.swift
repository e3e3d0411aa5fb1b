/// Names in other programs, and what to use here.
public struct SynonymSpec: Sendable, Hashable {
    /// Without dashes, with `-` between words.
    public var names: [String]
    /// The long name of the option that the advice is about; a command without it gets no advice.
    public var option: String?
    /// A full sentence.
    public var advice: String

    public init(_ names: [String], option: String? = nil, _ advice: String) {
        self.names = names
        self.option = option
        self.advice = advice
    }
}

extension ProgramSpec {
    /// The advice on a name that is not an option: of the command, or of the program if there is none.
    func advice(on name: String, for command: CommandSpec?) -> String? {
        let name = name.lowercased().replacing("_", with: "-")
        let known = Set((command?.options ?? []).map(\.name))
        return synonyms.first { synonym in
            synonym.names.contains(name) && (synonym.option.map { known.contains($0) } ?? true)
        }?.advice
    }

    /// The names of all variables that may be read.
    public var variables: [String] {
        let all = commands.flatMap { command in options(of: command).flatMap { command.variables(of: $0) } }
        return Set(all + environment.map(\.name)).sorted()
    }

    /// Every variable that is read, with a description: the program's own, then those that set options.
    public var environmentTable: [EnvironmentSpec] {
        var rows = environment
        for option in commands.flatMap(\.options) + sharedOptions where !option.isHidden {
            guard let name = option.environment, !rows.contains(where: { $0.name == name }) else { continue }
            rows.append(EnvironmentSpec(name, "sets --\(option.name)"))
        }
        for command in commands {
            guard let prefix = command.environmentPrefix, !rows.contains(where: { $0.name == prefix + "NAME" }) else {
                continue
            }
            let names = commands.filter { $0.environmentPrefix == prefix }.map(\.name).joined(separator: " and ")
            rows.append(
                EnvironmentSpec(
                    prefix + "NAME", "sets --name of \(names): \(prefix)MAX_TOKENS for --max-tokens, and so on"
                ))
        }
        return rows
    }
}
