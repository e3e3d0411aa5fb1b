public import Basics

/// What the command line requests.
public enum Invocation: Sendable, Hashable {
    case run(ParsedCommand)
    /// Help of one command, or of the program if there is none.
    case help(CommandSpec?, HelpDetail)
    case version
}

/// The amount of help: `-h` or `--help`.
public enum HelpDetail: Sendable, Hashable {
    case brief
    case full
}

/// Parses arguments by a program's specification. Pure: the environment is an argument, and files are never read.
public struct ArgumentParser: Sendable {
    /// The table.
    public let program: ProgramSpec

    public init(_ program: ProgramSpec) { self.program = program }

    /// Parses `arguments`, without the program's own name.
    ///
    /// - Parameter environment: the variables that set options not given; empty texts count as missing.
    /// - Throws: `.usage` for the command line; `.configuration` for a variable with an invalid value.
    public func parse(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws(RetortError) -> Invocation {
        var shared: [ArgumentToken] = []
        var lexer = ArgumentLexer(arguments[...], options: program.generalOptions)
        while let token = try next(&lexer, of: nil) {
            guard case .operand(let name) = token else {
                if let answer = builtIn(token, nil) { return answer }
                shared.append(token)
                continue
            }
            if name == "help" { return try help(on: lexer.remaining) }
            guard let command = program.command(named: name) else { throw unknownCommand(name) }
            return try parse(lexer.remaining, of: command, after: shared, environment)
        }
        throw RetortError(.usage, "no command given", remedy: "See `\(program.name) --help`.")
    }

    private func parse(
        _ arguments: ArraySlice<String>, of command: CommandSpec, after shared: [ArgumentToken],
        _ environment: [String: String]
    ) throws(RetortError) -> Invocation {
        var parsed = ParsedCommand(command, of: program)
        var operands: [String] = []
        // A request for help takes precedence over a mistake after it, not over one before it.
        var tokens = shared
        var lexer = ArgumentLexer(arguments, options: program.options(of: command))
        while let token = try next(&lexer, of: command) {
            if let answer = builtIn(token, command) { return answer }
            tokens.append(token)
        }
        for token in tokens {
            switch token {
            case .operand(let text): operands.append(text)
            case .option(let option, let given): try parsed.take(given, for: option)
            }
        }
        try parsed.takeEnvironment(environment)
        try parsed.takeOperands(operands)
        return .run(parsed)
    }

    private func next(
        _ lexer: inout ArgumentLexer, of command: CommandSpec?
    ) throws(RetortError) -> ArgumentToken? {
        do throws(LexicalError) {
            return try lexer.next()
        } catch {
            throw explain(error, of: command)
        }
    }

    private func builtIn(_ token: ArgumentToken, _ command: CommandSpec?) -> Invocation? {
        switch token {
        case .option(.version, _): return .version
        case .option(.help, let given): return .help(command, given == .letter ? .brief : .full)
        default: return nil
        }
    }

    private func help(on rest: ArraySlice<String>) throws(RetortError) -> Invocation {
        guard let name = rest.first(where: { !$0.hasPrefix("-") }) else { return .help(nil, .full) }
        if let command = program.command(named: name) { return .help(command, .full) }
        throw unknownCommand(name)
    }

    private func unknownCommand(_ name: String) -> RetortError {
        let near = Suggestion.nearest(to: name, among: program.commands.map(\.name) + ["help"])
        let hint = near.map { "Did you mean \($0)? " } ?? ""
        return RetortError(
            .usage, "unknown command \(OptionValue.quoted(name))", remedy: "\(hint)See `\(program.name) --help`.")
    }

    private func explain(_ error: LexicalError, of command: CommandSpec?) -> RetortError {
        let path = command.map { "\(program.name) \($0.name)" } ?? program.name
        let see = "See `\(path) --help`."
        switch error {
        case .unknown(let spelling):
            return RetortError(
                .usage, "unknown option \(spelling)", at: command?.name, remedy: hint(for: spelling, command) + see)
        case .missingValue(let option, let next):
            let value = "\(option.valueName)"
            let instead = next.map { ", but \($0) follows; if that is the value, write --\(option.name)=\($0)" } ?? ""
            return RetortError(
                .usage, "--\(option.name) needs a value \(value)\(instead)", at: command?.name, remedy: see)
        case .needlessValue(let option, let value):
            return RetortError(
                .usage, "--\(option.name) takes no value, but \(OptionValue.quoted(value)) was given",
                at: command?.name,
                remedy: see)
        }
    }

    /// The most similar spelling that the command has, else the command that has this one.
    private func hint(for spelling: String, _ command: CommandSpec?) -> String {
        let table = (command.map(program.options) ?? program.generalOptions).filter { !$0.isHidden }
        if let advice = program.advice(on: String(spelling.drop { $0 == "-" }), for: command) { return advice + " " }
        guard spelling.hasPrefix("--") else { return "" }
        if let near = Suggestion.nearest(
            to: String(spelling.dropFirst(2)), among: table.flatMap(\.spellings).compactMap(Self.longName))
        {
            return "Did you mean --\(near)? "
        }
        let owners = program.commands.filter { $0.options.contains { $0.spellings.contains(spelling) } }
        if owners.isEmpty { return "" }
        return "It is an option of \(owners.map(\.name).joined(separator: ", ")). "
    }

    private static func longName(_ spelling: String) -> String? {
        spelling.hasPrefix("--") ? String(spelling.dropFirst(2)) : nil
    }
}
