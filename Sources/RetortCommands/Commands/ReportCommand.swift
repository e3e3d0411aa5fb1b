import Basics
import CommandLine
import Dataset
import Distillation
import Reporting

/// `retort report`: what a store holds, for people and for programs.
enum ReportCommand {
    static let spec = CommandSpec(
        "report", summary: "write REPORT.txt, summary.json and report.html about a run, also while it writes",
        details: """
            One pass over the records, in memory that does not grow with them. report.html is one file without script \
            that loads nothing from outside. The members of summary.json keep their names and types: format, version, \
            generated, store, state, writer, last_run, progress, job, pace, latency_ms, tokens, answers, cost_usd, attempts, \
            finish_reasons, models, failures, judged, storage, timeline, damage, exports, unreadable, untimed, quantile_error. \
            Its times are seconds since 1970, and null is what is not known.

            Of a run in stages each stage gets its report, and what the whole has cost is printed: of a stage that takes what \
            another one did not do well enough (`when: draft.rejected`, `when: not pass`) also what it alone would have cost.

            Prints the paths of the files; with --json the summary on one line instead, and with --items --json a \
            line for each item: id, sample, status, class, attempts, seconds, prompt_tokens, completion_tokens, \
            tokens, cost_usd.
            """,
        examples: [
            ExampleSpec("retort report runs/a", "into runs/a/report"),
            ExampleSpec("retort report runs/a -o published/a", "somewhere else"),
            ExampleSpec("retort report runs/a --items --json", "every item's attempts, seconds, tokens and cost"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run")],
        options: [
            OptionSpec(
                "out", "o", kind: .path, valueName: "DIR",
                summary: "where to write, made if missing; STORE/report if not given"),
            OptionSpec("items", summary: "end REPORT.txt with a line for each item"),
            OptionSpec("json", summary: "print the summary as one line of JSON, or with --items a line for each item"),
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let operand = command.operand("STORE")!
        let stores = try PipelineLayout.stores(of: operand)
        var ending = ExitCode.ok
        for store in stores {
            var out = command.stringIfSet("out")
            if stores != [operand], let given = out { out = given + store.dropFirst(operand.count) }
            let one = try report(store, into: out, command, context)
            if one != .ok { ending = one }
        }
        if let layout = try PipelineLayout.load(operand), !command.flag("items") {
            let summary = try PipelineSummary(layout)
            let output = DataOutput.standardOutput()
            if command.flag("json") {
                try output.line(String(decoding: summary.tree.line, as: UTF8.self))
            } else {
                for line in [""] + summary.lines { try output.line(line) }
            }
            try output.flush()
        }
        return ending
    }

    private static func report(
        _ root: String, into out: String?, _ command: ParsedCommand, _ context: CommandContext
    ) throws -> ExitCode {
        let summary = try StoreSummary(of: root, now: wallClockSeconds())
        let files = try ReportFiles(in: out ?? "\(root)/report")
        let output = DataOutput.standardOutput()
        let listsItems = command.flag("items")
        let paths = try files.write(summary, listsItems: listsItems)
        if command.flag("json") {
            if listsItems {
                try ItemLines.forEach(of: root) { item throws(RetortError) in
                    try output.line(String(decoding: item.json, as: UTF8.self))
                }
            } else {
                try output.line(String(decoding: SummaryJSON(summary).tree.line, as: UTF8.self))
            }
        } else {
            for path in paths { try output.line(path) }
        }
        try output.flush()
        if !summary.damage.isEmpty {
            context.messages.line("\(summary.damage.count) damaged stretches are left out; summary.json lists them")
        }
        return summary.damage.isEmpty ? .ok : .badData
    }
}
