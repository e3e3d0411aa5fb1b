import Basics
import CommandLine
import Dataset
import Distillation
import Glibc
import Reporting
import SegmentStore

/// `retort export`: writes a dataset in a form that trainers read.
enum ExportCommand {
    private static let filterGroup = "Which records"
    private static let splitGroup = "A test part"

    static let spec = CommandSpec(
        "export", summary: "write the answers in the form that trainers read",
        details: """
            Every line has the same members of the same types. A file appears whole or not at all; a name in .gz \
            makes a file of one gzip member, .parquet or .csv a table. Records that the format has no place for are \
            left out and counted. The store remembers its exports; `retort status` shows them.

            messages holds the turns as sent, with their tool calls, then the assistant's. Where some turns have \
            tool_calls, tool_call_id or name, all have them, null in the others, and a record that has them comes first, \
            so that load_dataset reads the file; arguments are JSON text, and so is tools. OpenAI's fine-tuning refuses \
            nulls: --for openai writes what a turn has and nothing else.

            sharegpt writes calls as function_call and results as observation. text holds what the model wrote, of \
            completions the prompt too. openai-batch is the form of a Batch API output file.

            json holds the values of checked answers, one a line; csv and parquet hold them as a table with a column for \
            each member, typed by the store's schema. Lists and objects in a value are JSON text there, and a column \
            whose values have several types is text. With --ids, --metadata or --reasoning keep a line of json has the \
            value as its member `value`. -o NAME.parquet alone writes the values of a store with checked answers, and \
            messages of others; CSV takes values only.
            """,
        examples: [
            ExampleSpec("retort export runs/a --format messages -o train.jsonl", "for fine-tuning"),
            ExampleSpec(
                "retort export runs/a --format sharegpt --finish stop --reasoning think -o train.jsonl.gz",
                "whole answers only, with the reasoning between think tags"),
            ExampleSpec(
                "retort export runs/a -o train.jsonl --test-fraction 0.05 --test-output test.jsonl",
                "with a test part, decided by each id alone"),
            ExampleSpec(
                "retort export runs/a --where pass --best-of score -o best.jsonl",
                "the best answer that passes of each item"),
            ExampleSpec(
                "retort export runs/a --format preference -o pairs.jsonl",
                "for DPO: a better and a worse answer of each item"),
            ExampleSpec("retort export runs/a --metadata topic -o train.jsonl", "with a field of the rows"),
            ExampleSpec("retort export runs/a --ids -o values.parquet", "the values of checked answers as a table"),
        ],
        operands: [
            OperandSpec("STORE", kind: .path, summary: "the directory of a run"),
            OperandSpec("FIELD", .any, summary: "with --metadata: fields of the rows to take along"),
        ],
        options: [
            OptionSpec(
                "format", kind: .choice(ExportShape.words + [preference]),
                summary: "the form of the lines; preference: pairs of a chosen and a rejected answer",
                default: ExportFormat.messages.rawValue),
            OptionSpec(
                "output", "o", kind: .path, valueName: "FILE", summary: "where to; - is standard output", default: "-"),
            OptionSpec("force", summary: "replace files that exist"),
            OptionSpec(
                "generations", kind: .choice(["last", "all"]),
                summary: "of a repeated stage, OUT/NAME: the answers of the last generation or of all", default: "last"),
            OptionSpec(
                "reasoning", kind: .choice(ReasoningForm.allCases.map(\.rawValue)),
                summary: "leave the reasoning out, keep it apart, or put it between think tags",
                default: ReasoningForm.drop.rawValue),
            OptionSpec(
                "for", kind: .choice(ExportTarget.allCases.map(\.rawValue)),
                summary: "the program that reads messages: TRL and datasets, or OpenAI's fine-tuning",
                default: ExportTarget.trl.rawValue),
            OptionSpec(
                "metadata", summary: "take the rows' other fields along: all as JSON text, or each FIELD as a member"),
            OptionSpec("ids", summary: "begin each line with the record's id and sample"),
            OptionSpec(
                "finish", kind: .list(.string), valueName: "REASON,...",
                summary: "only answers that ended so: stop", group: filterGroup),
            OptionSpec("min-chars", kind: .integer(0...Int.max), summary: "shortest response", group: filterGroup),
            OptionSpec("max-chars", kind: .integer(0...Int.max), summary: "longest response", group: filterGroup),
            OptionSpec(
                "model", kind: .string, valueName: "NAME",
                summary: "only answers of this model, as the records name it",
                group: filterGroup),
            OptionSpec(
                "test-fraction", kind: .number(0...1), summary: "share of the ids that goes to the test part",
                group: splitGroup),
            OptionSpec(
                "test-output", kind: .path, valueName: "FILE", summary: "where the test part goes", group: splitGroup),
        ] + selectionOptions,
        exitCodes: [.notFound, .badData, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        guard command.isGiven("test-fraction") == command.isGiven("test-output") else {
            throw RetortError(
                .usage, "--test-fraction and --test-output belong together",
                remedy: "Give both, or neither. See `retort export --help`.")
        }
        if command.string("format") == preference { return try exportPairs(command, context) }
        let metadata = try metadataForm(command)
        let stores = try ExportedStores(
            command.operand("STORE")!, takesAll: command.stringIfSet("generations") == "all")
        let reader = stores.newest
        let schema = reader.manifest.notes?[AnswerCheck.note]
        let shape = try ExportShape(
            word: command.isGiven("format") ? command.string("format") : nil,
            paths: [command.string("output"), command.stringIfSet("test-output") ?? "-"], isChecked: schema != nil)
        try shape.check(command.choice("for"), command.choice("reasoning"), metadata)
        let output = try OutputFile(command.string("output"), replacing: command.flag("force"))
        var test: OutputFile?
        if let path = command.stringIfSet("test-output") {
            guard path != command.string("output") else {
                throw RetortError(.usage, "both parts would go to the same file", at: path)
            }
            test = try OutputFile(path, replacing: command.flag("force"))
        }
        discardWhenInterrupted(output, test, context.messages)
        var filter = filter(command)
        filter.selection = try selection(command, reader)
        if filter.selection != nil, stores.readers.count > 1 {
            throw RetortError(
                .usage, "conditions and verdicts are of one generation, and --generations all takes all",
                remedy: "Export the generations one by one: \(reader.root), ...")
        }
        let exporter = Exporter(
            filter: filter,
            renderer: ExportRenderer(
                format: shape.format, reasoning: command.choice("reasoning"), withIDs: command.flag("ids"),
                hasSamples: reader.manifest.samples > 1, target: command.choice("for"), metadata: metadata,
                container: shape.container, declared: try ValueColumns(schema: Array((schema ?? "").utf8))),
            testFraction: command.numberIfSet("test-fraction") ?? 0, output: output, test: test)
        let report: Exporter.Report
        do throws(RetortError) {
            report = try exporter.run(stores)
        } catch {
            output.discard()
            test?.discard()
            throw error
        }
        ExportNotes.add(note(report, shape, command, output), to: reader.root)
        if !command.flag("quiet") { describe(report, output, test, context.messages) }
        for damage in report.damage { context.messages.line(StoreAccess.sentence(damage)) }
        return report.damage.isEmpty ? .ok : .badData
    }

    private static func metadataForm(_ command: ParsedCommand) throws(RetortError) -> MetadataForm {
        let fields = command.operands("FIELD").flatMap { $0.split(separator: ",").map(String.init) }
        guard command.flag("metadata") else {
            if fields.isEmpty { return .none }
            throw RetortError(
                .usage, "one store is exported at a time", at: command.operands("FIELD")[0],
                remedy: "Add --metadata if it is a field of the rows; see `retort merge` to make one store of several.")
        }
        if fields.isEmpty { return .all }
        if let name = fields.first(where: lineMembers.contains) {
            throw RetortError(
                .usage, "lines have a member '\(name)' of their own", at: "--metadata",
                remedy: "Give --metadata without a name: the fields come along as JSON text under metadata.")
        }
        return .fields(Array(fields.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }))
    }

    /// Names that lines have in one format or another.
    private static let lineMembers: Set<String> = [
        "id", "sample", "messages", "tools", "conversations", "instruction", "input", "output", "system", "text",
        "reasoning", "custom_id", "response", "error",
    ]

    private static func note(
        _ report: Exporter.Report, _ shape: ExportShape, _ command: ParsedCommand, _ output: OutputFile
    ) -> ExportNote {
        var options: [String] = []
        for name in ["for", "reasoning", "model"] where command.isGiven(name) {
            options.append("--\(name) \(command.string(name))")
        }
        if !command.strings("finish").isEmpty {
            options.append("--finish \(command.strings("finish").joined(separator: ","))")
        }
        for name in ["min-chars", "max-chars"] {
            if let number = command.integerIfSet(name) { options.append("--\(name) \(number)") }
        }
        if command.flag("metadata") {
            options.append((["--metadata"] + command.operands("FIELD")).joined(separator: " "))
        }
        if command.flag("ids") { options.append("--ids") }
        options += selectionNotes(command)
        if let fraction = command.numberIfSet("test-fraction") { options.append("--test-fraction \(fraction)") }
        return ExportNote(
            time: wallClockSeconds(), format: shape.name, output: output.name,
            options: options.joined(separator: " "), written: report.written, writtenToTest: report.writtenToTest,
            leftOut: Dictionary(uniqueKeysWithValues: report.leftOut.map { ($0.rawValue, $1) }),
            replaced: report.replaced)
    }

    static func filter(_ command: ParsedCommand) -> ExportFilter {
        ExportFilter(
            finishReasons: Set(command.strings("finish")), model: command.stringIfSet("model"),
            charactersMin: command.integerIfSet("min-chars"), charactersMax: command.integerIfSet("max-chars"))
    }

    static func discardWhenInterrupted(_ output: OutputFile, _ test: OutputFile?, _ messages: MessageStream) {
        SignalWatcher.onSignal { _ in
            output.discard()
            test?.discard()
            messages.line("interrupted: nothing was written")
            _exit(ExitCode.interrupted.rawValue)
        }
    }

    private static func describe(
        _ report: Exporter.Report, _ output: OutputFile, _ test: OutputFile?, _ messages: MessageStream
    ) {
        var text = "\(Human.count(report.written)) records written to \(output.name)"
        if let test { text += ", \(Human.count(report.writtenToTest)) to \(test.name)" }
        messages.line(text)
        for reason in LeftOut.allCases {
            guard let count = report.leftOut[reason] else { continue }
            messages.line("left out: \(Human.count(count)) \(reason.rawValue)")
        }
        if report.replaced > 0 {
            messages.line(
                "replaced: half of a surrogate pair, which UTF-8 cannot hold, by U+FFFD in "
                    + "\(Human.count(report.replaced)) records")
        }
        if report.reduced > 0 {
            messages.line(
                "dropped: members of turns that trainers do not read (\(report.reducedNames.sorted().joined(separator: ", "))) "
                    + "in \(Human.count(report.reduced)) records")
        }
    }
}
