import Basics
import CommandLine
import Dataset
import Distillation
import SegmentStore

/// `retort reindex`: rebuilds the index.
enum ReindexCommand {
    static let spec = CommandSpec(
        "reindex", summary: "rebuild a store's index",
        details: """
            The index is a cache: any run rebuilds it when it is missing. From the hint logs that takes seconds; \
            --from segments reads every record. The next run reads its input again and sends nothing that the store \
            has an outcome for.
            """,
        examples: [
            ExampleSpec("retort reindex runs/a", "from the hint logs"),
            ExampleSpec("retort reindex runs/a --from segments", "from the records themselves"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the store directory; no run may be writing to it")],
        options: [
            OptionSpec(
                "from", kind: .choice(StoreReindex.Source.allCases.map(\.rawValue)), summary: "what to rebuild it from",
                default: StoreReindex.Source.hints.rawValue)
        ],
        exitCodes: [.notFound, .badData, .io, .busy, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let report = try StoreReindex.run(
            command.operand("STORE")!, options: StoreAccess.options, from: command.choice("from"))
        if !command.flag("quiet") {
            let counters = report.counters
            context.messages.line(
                "indexed: \(Human.count(Int(counters.done))) done, \(Human.count(Int(counters.failed))) failed")
        }
        for damage in report.recovery.damage { context.messages.line(StoreAccess.sentence(damage)) }
        return report.recovery.damage.isEmpty ? .ok : .badData
    }
}
