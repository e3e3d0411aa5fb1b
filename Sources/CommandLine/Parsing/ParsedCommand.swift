public import Basics

/// The source of an option's value; later cases take precedence.
public enum ValueSource: Int, Sendable, Hashable, Comparable {
    /// The default of the specification, or no value.
    case table
    case file
    case environment
    case commandLine

    public static func < (a: ValueSource, b: ValueSource) -> Bool { a.rawValue < b.rawValue }
}

/// A command with the values of its options and its operands.
///
/// Lookups take names of the specification. An unknown name, a wrong type, or a plain lookup of an option without value
/// and default is a programming error and traps; the `...IfSet` forms return nil for the last.
public struct ParsedCommand: Sendable, Hashable {
    /// The command's specification.
    public let spec: CommandSpec
    /// The program's name, for messages.
    public let programName: String
    let program: ProgramSpec
    let options: [String: OptionSpec]
    var given: [String: GivenValue] = [:]
    var operandTexts: [String: [String]] = [:]

    struct GivenValue: Sendable, Hashable {
        var value: OptionValue
        var source: ValueSource
        /// `--name`, `$VARIABLE`, or `file:line:column`.
        var place: String
    }

    init(_ spec: CommandSpec, of program: ProgramSpec) {
        self.spec = spec
        self.program = program
        programName = program.name
        options = Dictionary(
            program.options(of: spec).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether the option has a value other than its default.
    public func isGiven(_ name: String) -> Bool { source(of: name) != .table }

    /// The source of the option's value.
    public func source(of name: String) -> ValueSource {
        _ = option(name)
        return given[name]?.source ?? .table
    }

    /// The place of the option's value: `--name`, `$VARIABLE`, or a place in a file; nil for the default.
    public func origin(of name: String) -> String? {
        _ = option(name)
        return given[name]?.place
    }

    /// The names of the given options, sorted.
    public var givenNames: [String] { given.keys.sorted() }

    /// Whether the flag is on. A flag that was not given is off unless its default says otherwise.
    public func flag(_ name: String) -> Bool {
        switch value(name) {
        case .flag(let isOn): return isOn
        case nil where !option(name).kind.takesValue: return false
        default: wrongType(name, "a flag")
        }
    }

    /// A string, path or choice; for `.either` the word.
    public func string(_ name: String) -> String { present(stringIfSet(name), name) }
    /// An integer; traps if an `.either` holds a word.
    public func integer(_ name: String) -> Int { present(integerIfSet(name), name) }
    /// A number; traps if an `.either` holds a word.
    public func number(_ name: String) -> Double { present(numberIfSet(name), name) }
    /// A count of bytes; traps if an `.either` holds a word.
    public func size(_ name: String) -> Int { present(sizeIfSet(name), name) }
    /// A duration; traps if an `.either` holds a word.
    public func duration(_ name: String) -> Interval { present(durationIfSet(name), name) }

    /// A string, path or choice; for `.either` the word, nil if it holds the other kind.
    public func stringIfSet(_ name: String) -> String? {
        read(name, "text") { if case .text(let text) = $0 { text } else { nil } }
    }

    /// An integer; nil if an `.either` holds a word.
    public func integerIfSet(_ name: String) -> Int? {
        read(name, "an integer") { if case .integer(let value) = $0 { value } else { nil } }
    }

    /// A number; nil if an `.either` holds a word.
    public func numberIfSet(_ name: String) -> Double? {
        read(name, "a number") { if case .number(let value) = $0 { value } else { nil } }
    }

    /// A count of bytes; nil if an `.either` holds a word.
    public func sizeIfSet(_ name: String) -> Int? {
        read(name, "a size") { if case .size(let value) = $0 { value } else { nil } }
    }

    /// A duration; nil if an `.either` holds a word.
    public func durationIfSet(_ name: String) -> Interval? {
        read(name, "a duration") { if case .duration(let value) = $0 { value } else { nil } }
    }

    /// The choice as a case of an enumeration whose raw values are the specification's words.
    public func choice<Choice: RawRepresentable<String>>(_ name: String, as type: Choice.Type = Choice.self) -> Choice {
        let word = string(name)
        guard let choice = Choice(rawValue: word) else { wrongType(name, "a case of \(type), which lacks \(word)") }
        return choice
    }

    /// The values of a list, in the order given; empty if none was given.
    public func values(_ name: String) -> [OptionValue] {
        switch value(name) {
        case .list(let values): return values
        case nil where option(name).kind.isList: return []
        default: wrongType(name, "a list")
        }
    }

    /// The texts of a list of strings, paths or words.
    public func strings(_ name: String) -> [String] {
        values(name).map { value in
            guard case .text(let text) = value else { wrongType(name, "a list of texts") }
            return text
        }
    }

    /// The same command with another operand of that name.
    public func replacing(_ name: String, with text: String) -> ParsedCommand {
        var command = self
        command.operandTexts[name] = [text]
        return command
    }

    /// The operand of that name; nil if an optional one was omitted.
    public func operand(_ name: String) -> String? { operands(name).first }

    /// All operands of that name.
    public func operands(_ name: String) -> [String] {
        precondition(
            spec.operands.contains { $0.name == name }, "no operand \(name) in the table of \(spec.name)")
        return operandTexts[name] ?? []
    }

    /// The text of an option that is required, from whatever source.
    ///
    /// - Throws: `.usage`, naming the option.
    public func requiredString(_ name: String) throws(RetortError) -> String {
        if let text = stringIfSet(name) { return text }
        let option = option(name)
        throw RetortError(
            .usage, "\(spec.name) needs --\(name) \(option.valueName)", remedy: helpHint)
    }

    var helpHint: String { "See `\(programName) \(spec.name) --help`." }

    /// The effective value: the given one, or the default.
    public func value(_ name: String) -> OptionValue? {
        let option = option(name)
        if let given = given[name] { return given.value }
        return option.defaultText.map { text in
            guard let value = try? OptionValue.parse(text, as: option.kind) else {
                preconditionFailure("the default of --\(name) does not parse")
            }
            return value
        }
    }

    private func option(_ name: String) -> OptionSpec {
        guard let option = options[name] else {
            preconditionFailure("no option --\(name) in the table of \(spec.name)")
        }
        return option
    }

    private func read<Value>(_ name: String, _ type: String, _ extract: (OptionValue) -> Value?) -> Value? {
        guard let value = value(name) else { return nil }
        if let result = extract(value) { return result }
        switch option(name).kind {
        case .either, .count: return nil
        default: wrongType(name, type)
        }
    }

    private func present<Value>(_ value: Value?, _ name: String) -> Value {
        guard let value else { preconditionFailure("--\(name) has no value of that type; use the IfSet form") }
        return value
    }

    private func wrongType(_ name: String, _ type: String) -> Never {
        preconditionFailure("--\(name) is not \(type)")
    }
}
