import Basics
import CommandLine
import SegmentStore

/// `retort cat`: streams records to standard output.
enum CatCommand {
    static let spec = CommandSpec(
        "cat", summary: "print records as JSON lines, also while a run writes",
        examples: [
            ExampleSpec("retort cat runs/a", "every answer"),
            ExampleSpec("retort cat runs/a --failures", "every item whose newest outcome is a failure"),
            ExampleSpec("retort cat runs/a --superseded", "answers to rows that have changed since"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run")],
        options: [
            OptionSpec("failures", summary: "failed items instead of answers"),
            OptionSpec("superseded", summary: "what `run --on-change rerun` has set aside, in place of what counts"),
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let reader = try StoreReader(command.operand("STORE")!, options: StoreAccess.options)
        let output = DataOutput.standardOutput()
        var damages = 0
        let lineEnd: [UInt8] = [0x0A]
        func report(_ damage: Damage) {
            damages += 1
            context.messages.line(StoreAccess.sentence(damage))
        }
        func write(_ record: StoredRecord) throws(RetortError) {
            try output.write(record.line)
            try output.write(lineEnd)
        }
        let lane: Lane = command.flag("failures") ? .failures : .responses
        if command.flag("superseded") {
            try reader.forEachSuperseded(lane, onDamage: report, write)
        } else {
            try reader.forEach(lane, onDamage: report, write)
        }
        try output.flush()
        return damages == 0 ? .ok : .badData
    }
}
