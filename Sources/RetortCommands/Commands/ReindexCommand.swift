import Basics
import CommandLine
import SegmentStore

/// `retort reindex`: makes the index anew.
enum ReindexCommand {
    static let spec = CommandSpec(
        "reindex", summary: "make a store's index anew",
        details: """
            The index is a cache: any run makes it anew when it is gone. From the hint logs that takes seconds; \
            --from segments trusts nothing but the records. The next run reads its input again and asks for nothing \
            that the store holds.
            """,
        examples: [
            ExampleSpec("retort reindex runs/a", "from the hint logs"),
            ExampleSpec("retort reindex runs/a --from segments", "from the records themselves"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run; nobody may be writing it")],
        options: [
            OptionSpec(
                "from", kind: .choice(StoreReindex.Source.allCases.map(\.rawValue)), summary: "what to make it from",
                default: StoreReindex.Source.hints.rawValue)
        ],
        exitCodes: [.notFound, .badData, .io, .incomplete, .configuration])

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
