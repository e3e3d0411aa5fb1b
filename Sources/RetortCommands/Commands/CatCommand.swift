import Basics
import CommandLine
import Dataset
import Distillation
import JSONText
import Reporting
import SegmentStore

/// `retort cat`: streams records to standard output.
enum CatCommand {
    static let spec = CommandSpec(
        "cat", summary: "print records as JSON lines, also while a run writes",
        examples: [
            ExampleSpec("retort cat runs/a", "every answer"),
            ExampleSpec("retort cat runs/a --failures", "every item whose newest outcome is a failure"),
            ExampleSpec("retort cat runs/a --failures --raw -o bodies", "what the API sent, one file per failed item"),
            ExampleSpec(
                "retort cat runs/a --superseded", "answers to rows that changed, or that no longer fit their schema"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run")],
        options: [
            OptionSpec("failures", summary: "failed items instead of answers"),
            OptionSpec("rounds", summary: "answers that were not good enough, or have still to be judged"),
            OptionSpec("verdicts", summary: "the latest verdict of each verifier"),
            OptionSpec(
                "superseded", summary: "records archived by `run --on-change rerun`, instead of the current ones"),
            OptionSpec(
                "raw", summary: "write the raw bodies that the API sent, one file per item",
                details: "Answers have a body where the run was given --keep-body; files are named after the ids."),
            OptionSpec(
                "output", "o", kind: .path, valueName: "FOLDER", summary: "with --raw: the folder, new or empty"),
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        if command.flag("raw") != command.isGiven("output") {
            throw RetortError(
                .usage, command.flag("raw") ? "--raw needs a folder" : "--output is for --raw alone",
                remedy: "For example: retort cat DIR --failures --raw -o bodies.")
        }
        let reader = try StoreReader(command.operand("STORE")!, options: StoreAccess.options)
        var folder = try command.stringIfSet("output").map { path throws(RetortError) in try BodyFolder(path) }
        let parser = JSONParser()
        let output = DataOutput.standardOutput()
        var damages = 0
        let lineEnd: [UInt8] = [0x0A]
        func report(_ damage: Damage) {
            damages += 1
            context.messages.line(StoreAccess.sentence(damage))
        }
        func write(_ record: StoredRecord) throws(RetortError) {
            guard folder == nil else {
                let view = (try? parser.parse(record.line).root).map(RecordView.init)
                try folder!.write(view?.member(.body)?.stringBytes ?? [], of: record.head.key)
                return
            }
            try output.write(record.line)
            try output.write(lineEnd)
        }
        let lane = try lane(command)
        if command.flag("superseded") {
            try reader.forEachSuperseded(lane, onDamage: report, write)
        } else {
            try reader.forEach(lane, onDamage: report, write)
        }
        try output.flush()
        if let folder, !command.flag("quiet") {
            let rest = folder.empty > 0 ? "; \(Human.plural(folder.empty, "record")) without a body" : ""
            context.messages.line(
                "\(Human.plural(folder.written, "file")) written to "
                    + "\(ShellText.quoted(command.string("output")))\(rest)")
        }
        return damages == 0 ? .ok : .badData
    }

    private static func lane(_ command: ParsedCommand) throws(RetortError) -> Lane {
        let lanes: [(name: String, lane: Lane)] = [
            ("failures", .failures), ("rounds", .rounds), ("verdicts", .verdicts),
        ]
        let given = lanes.filter { command.flag($0.name) }
        guard given.count <= 1 else {
            throw RetortError(
                .usage, "--\(given[0].name) and --\(given[1].name) are two sets of records", remedy: "Give one of them."
            )
        }
        let lane = given.first?.lane ?? .responses
        if !lane.isOutcome, command.flag("superseded") {
            throw RetortError(
                .usage, "rounds and verdicts are never superseded",
                remedy: "Leave out --superseded or --\(given[0].name).")
        }
        return lane
    }
}
