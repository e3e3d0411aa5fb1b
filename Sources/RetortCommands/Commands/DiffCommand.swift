import Basics
import CommandLine
import Dataset
import Distillation
import Reporting
import SegmentStore

/// `retort diff`: two stores, row by row.
enum DiffCommand {
    static let spec = CommandSpec(
        "diff", summary: "compare two stores by row: answers that changed, failures, cost, tokens, latency",
        details: """
            Records are matched by id and sample. Answers are the same when their texts and tool calls are. Means are over \
            the rows that both stores have answered.

            With --json each row that differs is one object on a line; the last line is an object with the counts. Memory does \
            not grow with the stores.
            """,
        examples: [
            ExampleSpec("retort diff runs/old runs/new", "what another model or template has changed"),
            ExampleSpec("retort diff runs/a runs/b --json | jq .id", "the rows that differ"),
        ],
        operands: [
            OperandSpec("A", kind: .path, summary: "the directory of a run"),
            OperandSpec("B", kind: .path, summary: "the directory of another run"),
        ],
        options: [
            OptionSpec("json", summary: "one JSON object for each row that differs, then one with the counts"),
            OptionSpec(
                "show", kind: .integer(0...1_000_000), valueName: "N", summary: "rows that differ to show as text",
                default: "10"),
        ],
        exitCodes: [.notFound, .badData, .io])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let output = DataOutput.standardOutput()
        let roots = [command.operand("A")!, command.operand("B")!]
        let asJSON = command.flag("json")
        var left = command.integer("show")
        var shown: [String] = []
        var comparison = try StoreComparison(roots[0], roots[1])
        try comparison.run { row throws(RetortError) in
            if asJSON {
                try output.line(String(decoding: row.json.line, as: UTF8.self))
            } else if left > 0 {
                left -= 1
                shown += row.lines
            }
        }
        if asJSON {
            try output.line(String(decoding: comparison.counts.json(roots).line, as: UTF8.self))
        } else {
            for line in comparison.counts.lines(roots) + shown { try output.line(line) }
        }
        try output.flush()
        return .ok
    }
}
