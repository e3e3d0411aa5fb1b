import Basics
import CommandLine
import TestSupport
import Testing

@testable import Dataset
@testable import Distillation
@testable import RetortCommands

/// Absurd command lines: the outcome is a run, help, or an error with a documented status. `RETORT_FUZZ_MINUTES` runs
/// it longer, `RETORT_FUZZ_SEED` repeats a run.
@Suite struct CommandLineFuzzTests {
    private static let values = [
        "", "0", "-1", "1", "64", "1e309", "-1e309", "nan", "inf", "9223372036854775807", "9223372036854775808", "0.5",
        "1s",
        "1e300s", "10ms", "999999999999d", "auto", "{", "{}", "[1]", "\"\\ud800\"", "a=b", "=", "x=", "x=1", "http://h",
        "h:1",
        "https://h/v1?key=abcdefghi", "a,b", ",", "1K", "9EB", "lognormal:0ms,0", "lognormal:1e30,1e30", "429=2",
        "500=0.1",
        "down=1e300s@1s", "down=-1s@-1s", "1=500,2=429", "1=x", "18446744073709551616=500", "X: env:HOME", "Y: v",
        "api-key: k",
        "\u{0}", "\u{1B}[2J", "é\u{301}", "\u{202E}", String(repeating: "9", count: 400),
        String(repeating: "a,", count: 400),
        "--", "-c", "--out", "chat", "messages", "rerun", "never", "json", "/nonexistent/x.jsonl", "job.yaml",
    ]

    private static func commandLine(_ random: inout SeededGenerator) -> [String] {
        let program = RetortProgram.spec
        let command = random.pick(program.commands)
        var words = [random.below(20) == 0 ? random.pick(values) : command.name]
        for _ in 0..<random.below(8) {
            let options = random.below(4) == 0 ? random.pick(program.commands).options : command.options
            switch random.below(10) {
            case 0: words.append(random.pick(values))
            case 1:
                words.append(
                    "--" + random.pick(["help", "version", "quiet", "color", "workers", "limit", "no-strict", ""]))
            case 2: words.append("-" + String(UnicodeScalar(UInt8(33 + random.below(94)))))
            default:
                guard let option = options.isEmpty ? nil : random.pick(options) else { continue }
                let spelling = random.pick(option.spellings)
                let value = random.below(3) == 0 ? option.kind.words.randomElement(using: &random) : nil
                let text = value ?? random.pick(values)
                if random.below(2) == 0, spelling.hasPrefix("--") {
                    words.append("\(spelling)=\(text)")
                } else {
                    words.append(spelling)
                    if option.kind.takesValue { words.append(text) }
                }
            }
        }
        if random.below(2) == 0 { words += ["in.jsonl", "--out", "/nonexistent/out", "--simulate"] }
        return words
    }

    /// Reads a command line as the program does, up to where files would be touched.
    private static func outcome(_ words: [String], _ environment: [String: String]) throws -> ExitCode {
        let invocation = try ArgumentParser(RetortProgram.spec).parse(words, environment: environment)
        switch invocation {
        case .version: return .ok
        case .help(let command, let detail):
            _ = HelpText(RetortProgram.spec).text(command, detail)
            return .ok
        case .run(let command):
            _ = command.shellLine
            if ["run", "plan"].contains(command.spec.name) {
                let settings = try RunSettings(command, environment: environment)
                _ = (JobDescription(settings), settings.described)
            }
            if command.spec.name == "simulate" { _ = try SimulatorOptions.configuration(command) }
            return .ok
        }
    }

    @Test func everyCommandLineHasAnOutcome() throws {
        let run = FuzzRun(secondsMin: 1)
        let seed = run.seedGiven ?? UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let codes = Set(ExitCode.allCases)
        repeat {
            let words = Self.commandLine(&random)
            let environment =
                random.below(2) == 0 ? ["OPENAI_API_KEY": "k", "RETORT_MODEL": random.pick(Self.values)] : [:]
            do {
                _ = try Self.outcome(words, environment)
            } catch {
                let error = try #require(error as? RetortError, "seed \(seed): \(words): \(error)")
                #expect(
                    codes.contains(ExitCode(error.code)) && !error.message.isEmpty, "seed \(seed): \(words): \(error)")
                // Long values are cut with three dots, and a word of the command line may be a dot itself.
                let text = error.description.replacing("...", with: "").replacing("-.", with: "")
                #expect(!text.contains(".."), "seed \(seed): two full stops: \(error)")
            }
        } while !run.isOver
    }
}
