public import Basics

/// A setting from a file: the long name of an option and its text.
public struct Setting: Sendable, Hashable {
    /// The option's long name without dashes.
    public var name: String
    /// The value as on the command line; `true` or `false` for a flag.
    public var text: String
    /// Its place, `file:line` or `file:line:column`.
    public var place: String

    public init(_ name: String, _ text: String, at place: String) {
        self.name = name
        self.text = text
        self.place = place
    }
}

extension ParsedCommand {
    /// The command with the settings of a file, which yield to the command line and the environment and take precedence
    /// over the defaults. A list is given by repeating its name.
    ///
    /// - Throws: `.configuration` for an unknown name or an invalid value, naming the place.
    public func applying(_ settings: [Setting]) throws(RetortError) -> ParsedCommand {
        var problems: [RetortError] = []
        let result = applying(settings, problems: &problems)
        if let problem = problems.first { throw problem }
        return result
    }

    /// As above, but adds errors to `problems` and continues.
    public func applying(_ settings: [Setting], problems: inout [RetortError]) -> ParsedCommand {
        var result = self
        for setting in settings {
            guard let option = spec.options.first(where: { $0.name == setting.name }) else {
                problems.append(unknown(setting))
                continue
            }
            do throws(ValueError) {
                // A setting that the command line overrides is checked all the same.
                let value = try OptionValue.parse(setting.text, as: option.kind)
                if let given = given[option.name], given.source > .file { continue }
                try result.checkOnce(value, for: option, from: .file)
                result.store(value, for: option, from: .file, at: setting.place)
            } catch {
                problems.append(
                    RetortError(.configuration, "\(setting.name): \(error.message)", at: setting.place))
            }
        }
        return result
    }

    /// The command with another text for a given option, as the meaning of its current one.
    public func meaning(_ text: String, by name: String) -> ParsedCommand {
        var result = self
        if result.given[name] != nil { result.given[name]?.value = .text(text) }
        return result
    }

    private func unknown(_ setting: Setting) -> RetortError {
        if let advice = program.advice(on: setting.name, for: spec) {
            return RetortError(
                .configuration, "unknown setting \(OptionValue.quoted(setting.name))", at: setting.place, remedy: advice
            )
        }
        let near = Suggestion.nearest(to: setting.name, among: spec.options.map(\.name))
        let hint = near.map { "Did you mean \($0)? " } ?? ""
        return RetortError(
            .configuration, "unknown setting \(OptionValue.quoted(setting.name))", at: setting.place,
            remedy: hint + helpHint)
    }

    /// Applies an option of the command line. Of a single value the last one counts, lists grow.
    mutating func take(_ token: ArgumentToken.Given, for option: OptionSpec) throws(RetortError) {
        do throws(ValueError) {
            let value: OptionValue =
                switch token {
                case .on, .letter: .flag(true)
                case .off: .flag(false)
                case .text(let text): try OptionValue.parse(text, as: option.kind)
                }
            try checkOnce(value, for: option, from: .commandLine)
            store(value, for: option, from: .commandLine, at: "--\(option.name)")
        } catch {
            throw RetortError(.usage, error.message, at: "--\(option.name)", remedy: helpHint)
        }
    }

    /// Applies the variables of options that the command line does not set.
    mutating func takeEnvironment(_ environment: [String: String]) throws(RetortError) {
        for option in options.values.sorted(by: { $0.name < $1.name }) where given[option.name] == nil {
            let variables = spec.variables(of: option)
            guard let name = variables.first(where: { environment[$0]?.isEmpty == false }), let text = environment[name]
            else { continue }
            do throws(ValueError) {
                let value = try OptionValue.parse(text, as: option.kind)
                given[option.name] = GivenValue(value: value, source: .environment, place: "$\(name)")
            } catch {
                throw RetortError(
                    .configuration, error.message, at: "$\(name)",
                    remedy: "Correct the variable or give --\(option.name). \(helpHint)")
            }
        }
    }

    /// Assigns the operands to their names in order.
    mutating func takeOperands(_ texts: [String]) throws(RetortError) {
        let place = spec.name
        var rest = texts[...]
        for operand in spec.operands {
            let taken = rest.prefix(operand.count.most)
            rest = rest.dropFirst(taken.count)
            if taken.count < operand.count.least {
                throw RetortError(
                    .usage, "missing \(operand.name) (\(operand.summary))", at: place, remedy: helpHint)
            }
            for text in taken {
                do throws(ValueError) {
                    _ = try OptionValue.parse(text, as: operand.kind)
                } catch {
                    throw RetortError(.usage, error.message, at: "\(place) \(operand.name)", remedy: helpHint)
                }
            }
            operandTexts[operand.name] = Array(taken)
        }
        if let extra = rest.first {
            throw RetortError(
                .usage, "unexpected argument \(OptionValue.quoted(extra))", at: place, remedy: helpHint)
        }
    }

    private func checkOnce(
        _ value: OptionValue, for option: OptionSpec, from source: ValueSource
    ) throws(ValueError) {
        guard option.isOnce, let before = given[option.name], before.source == source, before.value != value else {
            return
        }
        throw ValueError("a second value is given; it takes one")
    }

    private mutating func store(
        _ value: OptionValue, for option: OptionSpec, from source: ValueSource, at place: String
    ) {
        if case .list(let added) = value, let before = given[option.name],
            case .list(let values) = before.value
        {
            given[option.name] = GivenValue(value: .list(values + added), source: source, place: before.place)
        } else {
            given[option.name] = GivenValue(value: value, source: source, place: place)
        }
    }
}
