import Basics
import CommandLine
import SegmentStore

/// `retort merge`: one store of several.
enum MergeCommand {
    static let spec = CommandSpec(
        "merge", summary: "make one store of several",
        details: """
            A success beats a failure; of two successes, or of two failures, that of the store named first goes on. \
            Whole blocks are copied, not compressed again. The merged store appears as a whole or not at all, and the \
            sources stay as they are.
            """,
        examples: [
            ExampleSpec("retort merge runs/a runs/b --out runs/all", "two stores of one job"),
            ExampleSpec(
                "retort merge runs/old runs/new --out runs/all --allow-different-jobs", "answers of two models together"
            ),
        ],
        operands: [
            OperandSpec("STORE", .atLeastOne, kind: .path, summary: "the directories of runs; none being written")
        ],
        options: [
            OptionSpec(
                "out", "o", kind: .path, valueName: "DIR", summary: "the new store; must not exist, or be empty"),
            OptionSpec("allow-different-jobs", summary: "merge stores whose models or parameters differ"),
        ],
        exitCodes: [.notFound, .badData, .io, .incomplete, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let out = try command.requiredString("out")
        let progress = StoreWorkProgress(context.messages, isQuiet: command.flag("quiet"))
        let report = try StoreMerge.run(
            command.operands("STORE"), into: out, options: StoreAccess.options,
            allowDifferentJobs: command.flag("allow-different-jobs"), progress: { progress($0) })
        if !command.flag("quiet") {
            for line in lines(report, out) { context.messages.line(line) }
        }
        return .ok
    }

    private static func lines(_ report: MergeReport, _ out: String) -> [String] {
        var lines = report.sources.map { source in
            var parts = ["\(Human.count(source.taken)) answers"]
            if source.failed > 0 { parts.append("\(Human.count(source.failed)) failures") }
            if source.superseded > 0 { parts.append("\(Human.count(source.superseded)) gave way to others") }
            parts.append(
                "\(Human.count(source.blocksCopied)) blocks copied, \(Human.count(source.blocksReencoded)) compressed anew"
            )
            return "\(source.root): \(parts.joined(separator: ", "))"
        }
        let counters = report.counters
        lines.append(
            "\(out): \(Human.count(Int(counters.done))) done, \(Human.count(Int(counters.failed))) failed, "
                + Human.bytes(report.bytes))
        return lines
    }
}
