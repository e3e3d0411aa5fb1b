import Basics
import CommandLine
import Glibc
import SegmentStore

/// `retort export`: a dataset in the form that trainers read.
enum ExportCommand {
    private static let filterGroup = "Which records"
    private static let splitGroup = "A test part"

    static let spec = CommandSpec(
        "export", summary: "write the answers in the form that trainers read",
        details: """
            Every line has the same members of the same types. A file appears whole or not at all; a name in .gz \
            makes a file of one gzip member. Records that the format has no place for are left out and counted.

            messages is the form of OpenAI's fine-tuning files: the turns as asked, then the assistant's. text holds \
            what the model wrote, of completions the prompt too. openai-batch is the form of a Batch API output file.
            """,
        examples: [
            ExampleSpec("retort export runs/a --format messages -o train.jsonl", "for fine-tuning"),
            ExampleSpec(
                "retort export runs/a --format sharegpt --finish stop --reasoning think -o train.jsonl.gz",
                "whole answers only, with the reasoning between think tags"),
            ExampleSpec(
                "retort export runs/a -o train.jsonl --test-fraction 0.05 --test-output test.jsonl",
                "with a test part, decided by each id alone"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the directory of a run")],
        options: [
            OptionSpec(
                "format", kind: .choice(ExportFormat.allCases.map(\.rawValue)), summary: "the form of the lines",
                default: ExportFormat.messages.rawValue),
            OptionSpec(
                "output", "o", kind: .path, valueName: "FILE", summary: "where to; - is standard output", default: "-"),
            OptionSpec("force", summary: "replace files that exist"),
            OptionSpec(
                "reasoning", kind: .choice(ReasoningForm.allCases.map(\.rawValue)),
                summary: "leave the reasoning out, keep it apart, or put it between think tags",
                default: ReasoningForm.drop.rawValue),
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
        ],
        exitCodes: [.notFound, .badData, .io, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        guard command.isGiven("test-fraction") == command.isGiven("test-output") else {
            throw RetortError(
                .usage, "--test-fraction and --test-output belong together",
                remedy: "Give both, or neither. See `retort export --help`.")
        }
        let reader = try StoreReader(command.operand("STORE")!, options: StoreAccess.options)
        let output = try OutputFile(command.string("output"), replacing: command.flag("force"))
        var test: OutputFile?
        if let path = command.stringIfSet("test-output") {
            guard path != command.string("output") else {
                throw RetortError(.usage, "both parts would go to the same file", at: path)
            }
            test = try OutputFile(path, replacing: command.flag("force"))
        }
        discardWhenInterrupted(output, test, context.messages)
        let exporter = Exporter(
            filter: filter(command),
            renderer: ExportRenderer(
                format: command.choice("format"), reasoning: command.choice("reasoning"), withIDs: command.flag("ids"),
                hasSamples: reader.manifest.samples > 1),
            testFraction: command.numberIfSet("test-fraction") ?? 0, output: output, test: test)
        let report: Exporter.Report
        do throws(RetortError) {
            report = try exporter.run(reader)
        } catch {
            output.discard()
            test?.discard()
            throw error
        }
        if !command.flag("quiet") { describe(report, output, test, context.messages) }
        for damage in report.damage { context.messages.line(StoreAccess.sentence(damage)) }
        return report.damage.isEmpty ? .ok : .badData
    }

    private static func filter(_ command: ParsedCommand) -> ExportFilter {
        ExportFilter(
            finishReasons: Set(command.strings("finish")), model: command.stringIfSet("model"),
            charactersMin: command.integerIfSet("min-chars"), charactersMax: command.integerIfSet("max-chars"))
    }

    private static func discardWhenInterrupted(_ output: OutputFile, _ test: OutputFile?, _ messages: MessageStream) {
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
    }
}
