import Basics
import CommandLine
import TestSupport
import Testing

/// Random commands are written in random spellings, parsed, rendered and parsed again.
@Suite struct RoundTripTests {
    @Test func renderedCommandsParseToThemselves() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("round trip seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let words = line(&generator)
            let parsed = try Sample.parse(words)
            let again = try Sample.parse(parsed.arguments)
            #expect(again == parsed, "seed \(seed): \(words) -> \(parsed.arguments)")
            #expect(again.arguments == parsed.arguments, "seed \(seed): \(words)")
        }
    }

    @Test func noWordsCrashTheParser() {
        let seed = UInt64.random(in: 0 ... .max)
        print("no crash seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "-", "--", "=", "run", "get", "x", "out", "j", "8", "no-", "strict", "é", "", " ", ",", "auto", "ms",
        ]
        var refused = 0
        for _ in 0..<3000 {
            let words = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                    pieces.randomElement(using: &generator) ?? ""
                }.joined()
            }
            if let error = Sample.error(words) {
                refused += 1
                #expect(error.code == .usage && error.description.contains("--help"), "seed \(seed): \(words)")
            }
        }
        #expect(refused > 0)
    }

    private func line(_ generator: inout SeededGenerator) -> [String] {
        var words = ["run"]
        let options = Sample.run.options + Sample.program.sharedOptions
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            guard let option = options.randomElement(using: &generator) else { continue }
            words += spelled(option, &generator)
            if Int.random(in: 0..<4, using: &generator) == 0 { words.append(operand(&generator)) }
        }
        words.append("--")
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            words.append(text(&generator, least: 1))
        }
        return words
    }

    private func spelled(_ option: OptionSpec, _ generator: inout SeededGenerator) -> [String] {
        if !option.kind.takesValue {
            return [option.spellings.randomElement(using: &generator) ?? "--\(option.name)"]
        }
        let value = value(of: option.kind, &generator)
        if let letter = option.letter, Bool.random(using: &generator) {
            return Bool.random(using: &generator) ? ["-\(letter)=\(value)"] : ["-x\(letter)=\(value)"]
        }
        let canStandAlone = value != "--" && !(value.hasPrefix("-") && Double(value) == nil)
        return canStandAlone && Bool.random(using: &generator)
            ? ["--\(option.name)", value] : ["--\(option.name)=\(value)"]
    }

    private func value(of kind: ValueKind, _ generator: inout SeededGenerator) -> String {
        switch kind {
        case .flag: "true"
        case .string: text(&generator, least: 0)
        case .path: text(&generator, least: 1)
        case .choice(let words): words.randomElement(using: &generator) ?? ""
        case .integer(let range): String(Int.random(in: range, using: &generator))
        case .number(let range): Double.random(in: range, using: &generator).description
        case .size(let range): String(Int.random(in: range, using: &generator))
        case .duration: "\(Int.random(in: 1...3_600_000, using: &generator))ms"
        case .either(let words, or: let other):
            Bool.random(using: &generator) ? words[0] : value(of: other, &generator)
        case .count(let range, or: let other):
            Bool.random(using: &generator)
                ? String(Int.random(in: range, using: &generator)) : value(of: other, &generator)
        case .list(let element):
            (0...Int.random(in: 0...2, using: &generator)).map { _ in value(of: element, &generator) }
                .joined(separator: ",")
        case .repeated(let element): value(of: element, &generator)
        }
    }

    private func operand(_ generator: inout SeededGenerator) -> String {
        let text = text(&generator, least: 1)
        return text.hasPrefix("-") ? "-" : text
    }

    private func text(_ generator: inout SeededGenerator, least: Int) -> String {
        let alphabet = Array("abz-=, '\"$\\é日\n0")
        return String(
            (0..<Int.random(in: least...8, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? "a"
            })
    }
}
