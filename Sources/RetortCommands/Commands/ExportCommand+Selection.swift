import Basics
import CommandLine
import Dataset
import Distillation
import Filtering
import Reporting
import SegmentStore

/// Conditions, verdicts and pairs of `retort export`.
extension ExportCommand {
    /// The value of `--format` for pairs.
    static let preference = "preference"
    private static let group = "By verdicts and conditions"

    static let selectionOptions: [OptionSpec] = [
        OptionSpec(
            "where", kind: .string, valueName: "CONDITION",
            summary: "only answers that meet this condition: 'pass and score >= 0.8'",
            details: """
                Fields: \(ExportSelection.fields.joined(separator: ", ")); value and metadata have parts, metadata.topic. \
                Operators: == != < <= > >= and or not, with parentheses. Texts are in quotes.
                """,
            group: group),
        OptionSpec(
            "verifier", kind: .string, valueName: "NAME",
            summary: "the verifier whose verdicts pass and score refer to, if several have judged", group: group),
        OptionSpec(
            "best-of", kind: .choice(["score"]), summary: "of each item's samples the one with the best score alone",
            group: group),
        OptionSpec("unique", summary: "of equal texts of one item the first alone", group: group),
    ]

    /// The selection by verdicts and samples that the options describe; nil if they describe none.
    static func selection(
        _ command: ParsedCommand, _ reader: StoreReader, isPair: Bool = false
    ) throws(RetortError) -> ExportSelection? {
        var wish = ExportSelection.Wish()
        if let text = command.stringIfSet("where") {
            wish.condition = try WhereClause(text, fields: ExportSelection.fields)
        }
        wish.isBestOnly = command.isGiven("best-of")
        wish.isUnique = command.flag("unique")
        let asked: Set<String> = ["pass", "score", "feedback", "details"]
        let needsVerdicts =
            isPair || wish.isBestOnly || wish.condition?.paths.contains { asked.contains($0[0]) } ?? false
        if wish.isEmpty, !isPair {
            guard command.isGiven("verifier") else { return nil }
            throw RetortError(
                .usage, "--verifier selects verdicts, but no option uses any",
                remedy: "Give --where, --best-of or --format preference as well.")
        }
        wish.verifier = try ExportSelection.Wish.verifier(
            named: command.stringIfSet("verifier"), needed: needsVerdicts, of: reader.manifest, at: reader.root)
        return try ExportSelection(wish, reader)
    }

    static func selectionNotes(_ command: ParsedCommand) -> [String] {
        var options: [String] = []
        for name in ["where", "verifier", "best-of"] where command.isGiven(name) {
            options.append("--\(name) \(ShellText.quoted(command.string(name)))")
        }
        if command.flag("unique") { options.append("--unique") }
        return options
    }

    /// `--format preference`.
    static func exportPairs(_ command: ParsedCommand, _ context: CommandContext) throws(RetortError) -> ExitCode {
        for name in ["test-output", "metadata", "best-of", "generations"] where command.isGiven(name) {
            throw RetortError(.usage, "--\(name) does not go together with pairs", remedy: "Leave it out.")
        }
        let path = command.string("output")
        for ending in [".csv", ".csv.gz", ".parquet"] where path.lowercased().hasSuffix(ending) {
            throw RetortError(
                .usage, "pairs are JSON lines", at: path, remedy: "Give a name in .jsonl or .jsonl.gz.")
        }
        let reader = try ExportedStores(command.operand("STORE")!, takesAll: false).newest
        guard let selection = try selection(command, reader, isPair: true) else { return .usage }
        var filter = filter(command)
        filter.selection = selection
        let output = try OutputFile(path, replacing: command.flag("force"))
        discardWhenInterrupted(output, nil, context.messages)
        let exporter = PreferenceExporter(
            filter: filter, selection: selection,
            renderer: ExportRenderer(
                format: .messages, reasoning: command.choice("reasoning"), withIDs: command.flag("ids"),
                hasSamples: reader.manifest.samples > 1, target: command.choice("for")),
            output: output)
        let report: PreferenceExporter.Report
        do throws(RetortError) { report = try exporter.run(reader) } catch {
            output.discard()
            throw error
        }
        ExportNotes.add(
            ExportNote(
                time: wallClockSeconds(), format: preference, output: output.name,
                options: selectionNotes(command).joined(separator: " "), written: report.written,
                leftOut: Dictionary(uniqueKeysWithValues: report.leftOut.map { ($0.rawValue, $1) })),
            to: reader.root)
        if !command.flag("quiet") {
            context.messages.line("\(Human.plural(report.written, "pair")) written to \(output.name)")
            if report.undecided > 0 {
                context.messages.line(
                    "left out: \(Human.plural(report.undecided, "item")) without two answers of which one is better"
                )
            }
            if report.unjudged > 0 {
                context.messages.line(
                    "left out: \(Human.plural(report.unjudged, "answer")) without a verdict; see `retort evaluate`"
                )
            }
            for reason in LeftOut.allCases {
                guard let count = report.leftOut[reason] else { continue }
                context.messages.line("left out: \(Human.count(count)) \(reason.rawValue)")
            }
        }
        for damage in report.damage { context.messages.line(StoreAccess.sentence(damage)) }
        return report.damage.isEmpty ? .ok : .badData
    }
}
