import Basics
import CommandLine
import SegmentStore

/// `retort repair`: makes a damaged store whole again.
enum RepairCommand {
    static let spec = CommandSpec(
        "repair", summary: "set damaged blocks aside and make a store whole again",
        details: """
            Damaged blocks go to STORE/quarantine and leave their segments; segments that are gone are accepted as \
            gone; the index is made anew. Nothing that can be read is thrown away. What was lost is pending again: the \
            next run asks for it. Killed at any moment, it is simply run again.
            """,
        examples: [ExampleSpec("retort repair runs/a", "after `retort verify` found something")],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run; nobody may be writing it")],
        exitCodes: [.notFound, .badData, .io, .incomplete, .configuration])

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
        func say(_ count: Int, _ what: String) {
            if count > 0 { lines.append("\(Human.count(count)) \(what)") }
        }
        say(quarantined, "damaged stretches set aside in \(root)/quarantine (\(Human.bytes(quarantinedBytes)))")
        say(recordsDropped, "records are no longer in the segments")
        say(recordsSalvaged, "of them were still in a journal and are kept")
        say(segmentsRewritten, "segments rewritten; whole blocks copied as they were")
        say(lossesAccepted, "lost or shortened segments accepted as they are")
        lines.append("repaired: \(Human.count(Int(counters.done))) done, \(Human.count(Int(counters.failed))) failed")
        lines.append("what was lost is pending: run the job again with its input to ask for it")
        return lines
    }
}
