import Basics
import CommandLine
import Dataset
import Distillation
import SegmentStore

/// `retort repair`: quarantines damaged blocks and makes the store consistent.
enum RepairCommand {
    static let spec = CommandSpec(
        "repair", summary: "quarantine damaged blocks and make the store consistent",
        details: """
            Damaged blocks move to STORE/quarantine; records of them that are proven to be whole stay in the store. \
            Missing segments are accepted as missing, and the index is rebuilt. The items of records that were lost are \
            pending again: the next run sends them. If repair is killed, run it again.
            """,
        examples: [ExampleSpec("retort repair runs/a", "after `retort verify` found something")],
        operands: [OperandSpec("STORE", kind: .path, summary: "the store directory; no run may be writing to it")],
        exitCodes: [.notFound, .badData, .io, .busy, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let root = command.operand("STORE")!
        let progress = StoreWorkProgress(context.messages, isQuiet: command.flag("quiet"))
        let report = try StoreRepair.run(root, options: StoreAccess.options, progress: { progress($0) })
        let output = DataOutput.standardOutput()
        for line in report.lines(root) { try output.line(line) }
        try output.flush()
        return .ok
    }
}

extension RepairReport {
    func lines(_ root: String) -> [String] {
        if wasClean { return ["nothing to repair: \(found.equation)"] }
        var lines = found.problems.map { CellWidth.sanitized("found: \($0.kind.rawValue): \($0.place): \($0.message)") }
        func say(_ count: Int, _ noun: String, _ what: String) {
            if count > 0 { lines.append("\(Human.plural(count, noun)) \(what)") }
        }
        say(quarantined, "damaged block", "moved to \(root)/quarantine (\(Human.bytes(quarantinedBytes)))")
        say(blocksCorrected, "block", "corrected: one bit had flipped, and every record is back")
        say(recordsProven, "record", "of damaged blocks proven whole and kept")
        say(recordsSalvaged, "record", "recovered from a journal")
        say(segmentsRewritten, "segment", "rewritten; undamaged blocks were copied unchanged")
        say(lossesAccepted, "segment", "missing or truncated")
        lines.append("repaired: \(Human.count(Int(counters.done))) done, \(Human.count(Int(counters.failed))) failed")
        let lost = itemsLost
        if lost > 0 || lossesAccepted > 0 {
            let what = lost == 0 ? "the lost items are" : lost == 1 ? "1 item is" : "\(Human.count(lost)) items are"
            lines.append("\(what) pending again: run the job with its input to send them again")
        }
        return lines
    }

    /// Items whose outcome was lost, where they can be counted.
    private var itemsLost: Int {
        max(0, Int(found.counters.done + found.counters.failed) - Int(counters.done + counters.failed))
    }
}
