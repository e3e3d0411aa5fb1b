import Basics
import CommandLine
import Dataset
import Distillation
import SegmentStore

/// `retort get`: records by id, by random access.
enum GetCommand {
    static let spec = CommandSpec(
        "get", summary: "print the records of some ids",
        examples: [ExampleSpec("retort get runs/a q-17 q-18", "two records, whatever their number in the store")],
        operands: [
            OperandSpec("STORE", kind: .path, summary: "the directory of a run"),
            OperandSpec("ID", .atLeastOne, summary: "ids as in the records"),
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let reader = try StoreReader(command.operand("STORE")!, options: StoreAccess.options)
        let output = DataOutput.standardOutput()
        var missing: [String] = []
        for id in command.operands("ID") {
            var found = false
            for sample in 0..<UInt32(reader.manifest.samples) {
                guard let record = try reader.record(RecordKey(id, sample: sample)) else { continue }
                found = true
                try output.write(record.line + [0x0A])
            }
            if !found { missing.append(id) }
        }
        try output.flush()
        if !missing.isEmpty, let damage = reader.damage.first {
            throw RetortError(
                .damagedData, "no record for \(missing.joined(separator: ", ")), but the store is damaged",
                at: reader.root, cause: StoreAccess.sentence(damage),
                remedy: "Run `retort verify` to see the extent and `retort repair` to continue without what is lost.")
        }
        guard missing.isEmpty else {
            throw RetortError(
                .notFound, "no record for \(missing.joined(separator: ", "))", at: reader.root,
                remedy: "Ids are compared byte by byte; items that are pending have no record.")
        }
        return .ok
    }
}
