import Basics
import CommandLine
import Dataset
import Distillation
import SegmentStore

/// `retort check`: judges the stored answers by a schema, offline.
enum CheckCommand {
    private static let group = "What to do"
    /// Options of `run` that describe what an answer must be.
    private static let optionsOfCheck: Set<String> = ["json", "schema", "fields", "repair-json"]

    static let spec = CommandSpec(
        "check", summary: "judge the stored answers by a schema, offline and at no cost",
        details: """
            Without --schema, --fields or --json the store's own schema is used; a schema that is given becomes the \
            store's, for run and retry, and so does --repair-json, or its absence beside a schema.

            Answers that do not fit move to STORE/superseded, and their items are pending. Answers that fit get the value \
            that is found in them. Failures of class invalid_output whose stored answer fits become answers. Nothing is \
            sent. If check is killed, run it again.
            """,
        examples: [
            ExampleSpec("retort check runs/a --schema person.json --dry-run", "count first; nothing changes"),
            ExampleSpec("retort check runs/a --schema person.json", "after the schema has changed"),
            ExampleSpec("retort check runs/a --json", "answers of a run without a schema: which hold JSON"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the store directory; no run may be writing to it")],
        options: CheckOptions.options.filter { optionsOfCheck.contains($0.name) } + [
            OptionSpec("dry-run", summary: "count what would happen; change nothing", group: group),
            Pricing.options.first { $0.name == "prices" }!,
        ] + [.progress, .progressEvery],
        exitCodes: [.notFound, .badData, .inputMissing, .io, .busy, .configuration])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let root = command.operand("STORE")!
        guard let manifest = try RecordStore.manifest(of: root) else {
            _ = try StoreReader(root, options: StoreAccess.options)
            return .notFound
        }
        let given = try CheckOptions.check(command)
        guard let check = try given ?? stored(manifest, repairs: command.flag("repair-json")) else {
            throw RetortError(
                .usage, "the store's answers are not checked", at: root,
                remedy: "Add --schema FILE, --fields LIST or --json.")
        }
        let job = StoredJob(values: manifest.job)
        let pricing = try Pricing(
            prices: command.stringIfSet("prices"), model: job.model, isSimulated: job.isSimulated)
        let messages = context.progressStream(command)
        let isQuiet = command.flag("quiet")
        let meter = CheckProgress(messages, isQuiet: isQuiet, every: command.duration("progress-every"))
        let isDry = command.flag("dry-run")
        if !isQuiet, let remark = check.remark { messages.line(remark) }
        let work = StoreCheck(root, check, job: job, pricing: pricing, progress: { meter($0, of: $1) })
        let counts = isDry ? try work.count() : try work.apply()
        let text = CheckText(root: root, option: given?.option, counts: counts, isDry: isDry)
        if messages.writesJSON { messages.event(text.event) }
        let output = DataOutput.standardOutput()
        for line in text.lines { try output.line(line) }
        try output.flush()
        return .ok
    }

    private static func stored(_ manifest: StoreManifest, repairs: Bool) throws(RetortError) -> AnswerCheck? {
        let check = try AnswerCheck(of: manifest)
        return repairs ? try check?.repairing() : check
    }
}

/// Prints from time to time how many records have been judged. Short work prints nothing.
private final class CheckProgress {
    private let messages: MessageStream
    private let isQuiet: Bool
    private let interval: Interval
    private let began = Instant.now
    private var last = Instant.now

    init(_ messages: MessageStream, isQuiet: Bool, every interval: Interval) {
        self.messages = messages
        self.isQuiet = isQuiet
        self.interval = interval
    }

    func callAsFunction(_ done: Int, of all: Int) {
        let now = Instant.now
        guard !isQuiet, now - last >= interval else { return }
        last = now
        if messages.writesJSON {
            return messages.event(#"{"event":"progress","checked":\#(done),"total":\#(all)}"#)
        }
        let rate = Double(done) / max((now - began).seconds, 1e-9)
        messages.line(
            "\(Human.count(done)) of \(Human.count(all)) answers checked (\(Human.percent(done, of: all)), "
                + "\(Human.rate(rate))/s)")
    }
}
