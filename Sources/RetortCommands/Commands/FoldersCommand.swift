import Basics
import CommandLine
import Dataset
import Distillation
import Filtering
import Reporting
import SegmentStore

/// `retort folders`: writes a folder of readable files for each item.
enum FoldersCommand {
    static let spec = CommandSpec(
        "folders", summary: "write a folder for each item: problem, session, solution, every round with its report",
        details: """
            In each folder: problem_statement.txt, session_history.json, final_solution.py (or .txt), and for each round \
            round_0/code_iteration.py and round_0/report_iteration.txt. At the top: summary.json and REPORT.txt with Pass@1, \
            PASS or FAIL and accuracy of each item, time at generation and at evaluation, tokens and cost. Accuracy is the \
            verifier's score. Names of folders are the ids, with unusual signs percent-encoded.
            """,
        examples: [
            ExampleSpec("retort folders runs/a -o look/{time}", "all items, in a folder that is named by the time"),
            ExampleSpec("retort folders runs/a q-17 q-18 -o look", "some items"),
            ExampleSpec("retort folders runs/a --where pass==false -o failed", "what did not pass"),
        ],
        operands: [
            OperandSpec("STORE", kind: .path, summary: "the directory of a run"),
            OperandSpec("ID", .any, summary: "ids of items; all where none is named"),
        ],
        options: [
            OptionSpec(
                "output", "o", kind: .path, valueName: "FOLDER",
                summary: "the folder, new or empty; {time} is replaced by the time", default: "folders-{time}"),
            OptionSpec("failures", summary: "failed items as well"),
            OptionSpec(
                "where", kind: .string, valueName: "CONDITION",
                summary: "only answers that meet this condition, as in `retort export`"),
            OptionSpec(
                "verifier", kind: .string, valueName: "NAME",
                summary: "the verifier whose verdicts are shown, if several have judged"),
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let reader = try StoreReader(command.operand("STORE")!, options: StoreAccess.options)
        var wish = ExportSelection.Wish()
        if let text = command.stringIfSet("where") {
            wish.condition = try WhereClause(text, fields: ExportSelection.fields)
        }
        wish.verifier = try ExportSelection.Wish.verifier(
            named: command.stringIfSet("verifier"), needed: false, of: reader.manifest, at: reader.root)
        let selection = wish.isEmpty ? nil : try ExportSelection(wish, reader)
        let items = try ItemReader(reader.root, verifier: wish.verifier)
        let path = FolderTree.named(command.string("output"), wallClockSeconds())
        let tree = try FolderTree(path, verifier: wish.verifier, isCode: wish.verifier == "tests")
        func take(_ record: StoredRecord) throws(RetortError) {
            if let selection, !(try selection.takes(record)) { return }
            if let item = try items.item(record) { try tree.add(item) }
        }
        var damages = 0
        func report(_ damage: Damage) {
            damages += 1
            context.messages.line(StoreAccess.sentence(damage))
        }
        var missing: [String] = []
        if command.operands("ID").isEmpty {
            try reader.forEach(.responses, onDamage: report, take)
            if command.flag("failures") { try reader.forEach(.failures, onDamage: report, take) }
        } else {
            for id in command.operands("ID") {
                var isFound = false
                for sample in 0..<UInt32(reader.manifest.samples) {
                    guard let record = try reader.record(RecordKey(id, sample: sample)) else { continue }
                    isFound = true
                    try take(record)
                }
                if !isFound { missing.append(id) }
            }
        }
        try tree.finish(reader.root)
        if !command.flag("quiet") {
            context.messages.line(
                "\(Human.plural(tree.totals.items, "folder")) written to \(ShellText.quoted(path)), with REPORT.txt"
            )
        }
        guard missing.isEmpty else {
            throw RetortError(
                .notFound, "no record for \(missing.joined(separator: ", "))", at: reader.root,
                remedy: "Ids are compared byte by byte; items that are pending have no record.")
        }
        return damages == 0 ? .ok : .badData
    }
}
