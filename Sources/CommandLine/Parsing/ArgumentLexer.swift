/// One argument, or an option with its value. Values are not interpreted yet.
enum ArgumentToken: Equatable {
    case option(OptionSpec, Given)
    case operand(String)

    /// What was given for the option.
    enum Given: Equatable {
        case on
        /// On, by the option's letter.
        case letter
        case off
        case text(String)
    }
}

/// Why the lexer stops.
enum LexicalError: Error, Equatable {
    /// No such option; the spelling includes its dashes.
    case unknown(String)
    /// The option needs a value; `next` is the argument in its place, if any.
    case missingValue(OptionSpec, next: String?)
    /// A flag was given a value.
    case needlessValue(OptionSpec, String)
}

/// Splits arguments into options and operands by a table of options. Pure: it reads nothing except its arguments.
struct ArgumentLexer {
    private var rest: ArraySlice<String>
    private var onlyOperands = false
    /// The remaining letters of a group `-abc`.
    private var group: Substring = ""
    private let negativeNumbersAreOperands: Bool
    private let long: [String: (option: OptionSpec, isOn: Bool)]
    private let letters: [Character: OptionSpec]

    init(_ arguments: ArraySlice<String>, options: [OptionSpec]) {
        rest = arguments
        var long: [String: (option: OptionSpec, isOn: Bool)] = [:]
        var letters: [Character: OptionSpec] = [:]
        for option in options {
            long[option.name] = (option, true)
            if option.isNegatable { long["no-\(option.name)"] = (option, false) }
            if let letter = option.letter { letters[letter] = option }
        }
        self.long = long
        self.letters = letters
        negativeNumbersAreOperands = !letters.keys.contains { $0.isNumber }
    }

    /// What has not been read.
    var remaining: ArraySlice<String> { rest }

    /// The next token, nil at the end.
    mutating func next() throws(LexicalError) -> ArgumentToken? {
        if let letter = group.popFirst() { return try short(letter) }
        guard let argument = rest.popFirst() else { return nil }
        if onlyOperands || argument == "-" || !argument.hasPrefix("-") { return .operand(argument) }
        if argument == "--" {
            onlyOperands = true
            return try next()
        }
        if argument.hasPrefix("--") { return try longOption(argument.dropFirst(2)) }
        if negativeNumbersAreOperands && Double(argument) != nil { return .operand(argument) }
        group = argument.dropFirst()
        return try next()
    }

    private mutating func longOption(_ text: Substring) throws(LexicalError) -> ArgumentToken {
        let equals = text.firstIndex(of: "=")
        let name = String(text[..<(equals ?? text.endIndex)])
        guard let (option, isOn) = long[name] else { throw .unknown("--\(name)") }
        if let equals {
            let value = String(text[text.index(after: equals)...])
            guard option.kind.takesValue else { throw .needlessValue(option, value) }
            return .option(option, .text(value))
        }
        if !option.kind.takesValue { return .option(option, isOn ? .on : .off) }
        return .option(option, .text(try value(for: option)))
    }

    private mutating func short(_ letter: Character) throws(LexicalError) -> ArgumentToken {
        guard let option = letters[letter] else { throw .unknown("-\(letter)") }
        if !option.kind.takesValue {
            if group.first == "=" { throw .needlessValue(option, String(group.dropFirst())) }
            return .option(option, .letter)
        }
        defer { group = "" }
        if group.first == "=" { return .option(option, .text(String(group.dropFirst()))) }
        return .option(option, .text(group.isEmpty ? try value(for: option) : String(group)))
    }

    /// The next argument as the option's value. If it is an option of the table, the value was forgotten; anything
    /// else, such as a negative number or `-`, is the value.
    private mutating func value(for option: OptionSpec) throws(LexicalError) -> String {
        guard let next = rest.first else { throw .missingValue(option, next: nil) }
        if next == "--" || isKnown(next) { throw .missingValue(option, next: next) }
        rest.removeFirst()
        return next
    }

    private func isKnown(_ argument: String) -> Bool {
        if argument.hasPrefix("--") {
            return long[String(argument.dropFirst(2).prefix { $0 != "=" })] != nil
        }
        return argument.count == 2 && argument.first == "-" && argument.last.map { letters[$0] != nil } == true
    }
}
