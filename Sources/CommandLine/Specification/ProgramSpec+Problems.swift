internal import Basics

extension ProgramSpec {
    /// Problems of the specification itself, one sentence each; empty for a valid one. A program should test that this
    /// is empty, which also proves that every default and every example parses.
    public func problems() -> [String] {
        var problems = duplicates(of: commands.map(\.name), in: "the commands")
        if command(named: "help") != nil { problems.append("the command help is built in") }
        for option in sharedOptions { problems += self.problems(of: option, in: name) }
        for command in commands { problems += self.problems(of: command) }
        for example in examples { problems += self.problems(of: example) }
        return problems
    }

    private func problems(of command: CommandSpec) -> [String] {
        let place = "\(name) \(command.name)"
        let table = options(of: command)
        var problems = duplicates(of: table.flatMap(\.spellings), in: place)
        if !isName(command.name) { problems.append("\(place): a command's name is of a-z, 0-9 and -") }
        problems += lineProblems(command.summary, of: place)
        for option in command.options { problems += self.problems(of: option, in: place) }
        problems += duplicates(of: command.operands.map(\.name), in: place)
        for operand in command.operands {
            problems += lineProblems(operand.summary, of: "\(place) \(operand.name)")
            if operand.kind.isList || !operand.kind.takesValue {
                problems.append("\(place) \(operand.name): an operand is one value")
            }
        }
        for (operand, next) in zip(command.operands, command.operands.dropFirst())
        where operand.count == .any || operand.count == .atLeastOne || operand.count.least < next.count.least {
            problems.append("\(place) \(operand.name): takes what belongs to \(next.name)")
        }
        for example in command.examples { problems += self.problems(of: example) }
        return problems
    }

    private func problems(of option: OptionSpec, in place: String) -> [String] {
        let place = "\(place) --\(option.name)"
        var problems = lineProblems(option.summary, of: place)
        if !isName(option.name) || option.name.hasPrefix("no-") {
            problems.append("\(place): a name is of a-z, 0-9 and -, and does not begin with no-")
        }
        if let letter = option.letter, !(letter.isASCII && (letter.isLetter || letter.isNumber)) {
            problems.append("\(place): a letter is one of a-z, A-Z, 0-9")
        }
        if option.isNegatable && option.kind.takesValue { problems.append("\(place): only a flag can be negated") }
        if option.kind.words.contains(where: { $0.isEmpty || $0.contains(" ") }) {
            problems.append("\(place): a word is empty or has a space")
        }
        if case .choice(let words) = option.kind, words.isEmpty { problems.append("\(place): no word to choose") }
        if let text = option.defaultText {
            do throws(ValueError) {
                _ = try OptionValue.parse(text, as: option.kind)
            } catch {
                problems.append("\(place): its default is wrong: \(error.message)")
            }
        }
        return problems
    }

    private func problems(of example: ExampleSpec) -> [String] {
        var words = example.line.split(separator: " ").map(String.init)
        guard words.first == name else { return ["the example `\(example.line)` does not begin with \(name)"] }
        if let end = words.firstIndex(where: { ["|", ">", "#", "&&"].contains($0) }) { words.removeSubrange(end...) }
        do throws(RetortError) {
            _ = try ArgumentParser(self).parse(Array(words.dropFirst()))
            return lineProblems(example.summary, of: "`\(example.line)`")
        } catch {
            return ["the example `\(example.line)` does not parse: \(error)"]
        }
    }

    private func isName(_ name: String) -> Bool {
        !name.isEmpty && name.first != "-"
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    private func lineProblems(_ line: String, of place: String) -> [String] {
        if line.isEmpty { return ["\(place): no summary"] }
        return line.hasSuffix(".") || line.contains("\n") ? ["\(place): a summary is one line without full stop"] : []
    }

    private func duplicates(of names: [String], in place: String) -> [String] {
        var seen: Set<String> = []
        return names.filter { !seen.insert($0).inserted }.map { "\(place): \($0) is listed twice" }
    }
}
