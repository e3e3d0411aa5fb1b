import Basics
import CommandLine
import Dataset
import Distillation
import Reporting
import SegmentStore

/// `retort diff`: two stores, row by row.
enum DiffCommand {
    static let spec = CommandSpec(
        "diff", summary: "compare two stores by row: answers that changed, failures, scores, cost, tokens, latency",
        details: """
            Records are matched by id and sample. Answers are the same when their texts and tool calls are. Means are over \
            the rows that both stores have answered. Verdicts are compared of verifiers that have judged both answers.

            With --json each row that differs is one object on a line; the last line is an object with the counts. Memory does \
            not grow with the stores.
            """,
        examples: [
            ExampleSpec("retort diff runs/old runs/new", "what another model or template has changed"),
            ExampleSpec("retort diff runs/a runs/b --json | jq .id", "the rows that differ"),
            ExampleSpec("retort diff runs/a runs/b --html diff.html --show 500", "a page with answers side by side"),
        ],
        operands: [
            OperandSpec("A", kind: .path, summary: "the directory of a run"),
            OperandSpec("B", kind: .path, summary: "the directory of another run"),
        ],
        options: [
            OptionSpec("json", summary: "one JSON object for each row that differs, then one with the counts"),
            OptionSpec(
                "show", kind: .integer(0...1_000_000), valueName: "N",
                summary: "rows that differ to show as text or on the page", default: "10"),
            OptionSpec(
                "html", kind: .path, valueName: "FILE",
                summary: "write a page, one file without script, in place of text"),
        ],
        exitCodes: [.notFound, .badData, .io])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let output = DataOutput.standardOutput()
        let roots = [command.operand("A")!, command.operand("B")!]
        let asJSON = command.flag("json")
        let page = try command.stringIfSet("html").map { path throws(RetortError) in
            try OutputFile(path, replacing: true)
        }
        defer { page?.discard() }
        let show = command.integer("show")
        var shown: [ComparedRow] = []
        var differing = 0
        var comparison = try StoreComparison(roots[0], roots[1])
        try comparison.run { row throws(RetortError) in
            if asJSON {
                try output.line(String(decoding: row.json.line, as: UTF8.self))
            }
            differing += 1
            if shown.count < show, page != nil || !asJSON { shown.append(row.shortened) }
        }
        if asJSON {
            try output.line(String(decoding: comparison.counts.json(roots).line, as: UTF8.self))
        }
        if let page {
            let text = ComparisonPage(roots, comparison.counts, rows: shown, differing: differing).text
            try page.write(Array(text.utf8))
            try page.finish()
            if !asJSON { try output.line(page.name) }
        } else if !asJSON {
            for line in comparison.counts.lines(roots) + shown.flatMap(\.lines) { try output.line(line) }
        }
        try output.flush()
        return .ok
    }
}
