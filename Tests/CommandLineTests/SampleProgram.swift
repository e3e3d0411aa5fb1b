import Basics
import CommandLine

/// A table with every kind of option, for the tests of everything that is generated from a table.
enum Sample {
    static let program = ProgramSpec(
        name: "still", version: "1.2.3", summary: "boil things down",
        commands: [run, get, probe],
        sharedOptions: [
            OptionSpec(
                "color", kind: .choice(["auto", "always", "never"]), valueName: "WHEN",
                summary: "when to use colours", group: "General options", default: "auto"),
            OptionSpec("quiet", "q", summary: "say nothing but errors", group: "General options", negatable: true),
        ],
        environment: [EnvironmentSpec("STILL_KEY", "the key; it is never read from an option")],
        examples: [ExampleSpec("still run in.jsonl --out a", "boil one file")])

    static let run = CommandSpec(
        "run", summary: "boil the inputs",
        details: "Reads the inputs one by one.\nNothing is lost.\n\nThe same command goes on where it stopped.",
        examples: [
            ExampleSpec("still run in.jsonl --out a -j 8", "boil eight at a time"),
            ExampleSpec("still run - --out a | wc -l", "read standard input"),
        ],
        operands: [OperandSpec("INPUT", .atLeastOne, kind: .path, summary: "file, folder, or - for standard input")],
        options: [
            OptionSpec("out", "o", kind: .path, valueName: "DIR", summary: "where to write", group: "Output"),
            OptionSpec(
                "jobs", "j", kind: .either(["auto"], or: .integer(1...4096)), summary: "how many at once",
                details: "With auto the number follows what the server bears.", group: "Limits",
                environment: "STILL_JOBS", default: "16"),
            OptionSpec("max-cost", kind: .number(0...1e6), valueName: "USD", summary: "stop there", group: "Limits"),
            OptionSpec(
                "timeout", "t", kind: .duration(.milliseconds(1) ... .seconds(3600)), summary: "of one request",
                group: "Limits", default: "5m"),
            OptionSpec(
                "block", "b", kind: .size(1024...1 << 30), summary: "bytes in a block", group: "Output",
                default: "128K"),
            OptionSpec("model", "m", kind: .string, valueName: "NAME", summary: "the model", group: "Requests"),
            OptionSpec("seed", "s", kind: .integer(.min ... .max), summary: "the seed", group: "Requests"),
            OptionSpec("heat", kind: .number(-2...2), summary: "the temperature", group: "Requests"),
            OptionSpec(
                "reject", "r", kind: .list(.choice(["length", "empty"])), valueName: "WHY,...",
                summary: "what counts as failed", group: "Requests"),
            OptionSpec("header", "H", kind: .repeated(.string), valueName: "LINE", summary: "a header more"),
            OptionSpec("strict", "x", summary: "stop at the first bad row", negatable: true),
            OptionSpec("verbose", "v", summary: "say more", environment: "STILL_VERBOSE"),
            OptionSpec("trace", summary: "for those who mend stills", hidden: true),
        ],
        exitCodes: [.incomplete, .refused, .inputMissing])

    static let get = CommandSpec(
        "get", summary: "show records",
        examples: [ExampleSpec("still get a q-17", "show one record")],
        operands: [
            OperandSpec("STORE", kind: .path, summary: "the store"), OperandSpec("ID", .any, summary: "which records"),
        ],
        options: [OptionSpec("json", summary: "as JSON")],
        exitCodes: [.notFound])

    static let probe = CommandSpec(
        "probe", summary: "look at one number",
        operands: [OperandSpec("N", .optional, kind: .integer(-9...9), summary: "the number")])

    static let parser = ArgumentParser(program)

    /// Parses a line that must be valid, split at spaces.
    static func parse(_ line: String, environment: [String: String] = [:]) throws -> ParsedCommand {
        try parse(line.split(separator: " ").map(String.init), environment: environment)
    }

    static func parse(_ words: [String], environment: [String: String] = [:]) throws -> ParsedCommand {
        guard case .run(let parsed) = try parser.parse(words, environment: environment) else {
            throw RetortError(.usage, "not a command to run: \(words)")
        }
        return parsed
    }

    /// The error of a line that must be invalid.
    static func error(_ words: [String], environment: [String: String] = [:]) -> RetortError? {
        do throws(RetortError) {
            _ = try parser.parse(words, environment: environment)
            return nil
        } catch {
            return error
        }
    }

    static func error(_ line: String) -> RetortError? { error(line.split(separator: " ").map(String.init)) }
}
