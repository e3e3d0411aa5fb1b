import Basics
import CommandLine
import Dataset
import Distillation
import Glibc
import JSONText
import Reporting
import SegmentStore
import Verifiers

/// `retort evaluate`: judges the stored answers by verifiers, offline.
enum EvaluateCommand {
    private static let group = "Verifiers"
    private static let resultGroup = "What is shown"
    /// Worker processes per core: most of them wait for something.
    static let workersPerCore = 4

    static let spec = CommandSpec(
        "evaluate", summary: "judge the stored answers by tests, graders or a program of your own: pass rates, pass@k",
        details: """
            Verdicts go into STORE/verdicts; answers stay as they are. What a verifier has judged is not judged \
            again, so the same command continues where it was stopped; --again judges all again, and the newest \
            verdict counts. Nothing is sent to a model.

            tests runs the code of an answer on the tests of its row, in a sandbox (bubblewrap): the row has prompt, test and \
            entry_point (HumanEval), test_list (MBPP), public_tests and private_tests (CodeContests), or tests, a list of \
            {"input", "output"}. A command is started once for each worker and kept: see `retort help run`, --verifier.

            pass@k is the unbiased estimator over an item's samples. Its interval is a bootstrap over items with a fixed \
            seed, and a normal one from 5,000 items on.
            """,
        examples: [
            ExampleSpec("retort evaluate runs/a --verifier tests", "code in a sandbox, on the rows' tests"),
            ExampleSpec("retort evaluate runs/a --verifier number:answer --k 1,8", "the last number of each answer"),
            ExampleSpec("retort evaluate runs/a --verifier ./grade.py --workers 8", "a program of your own"),
            ExampleSpec("retort evaluate runs/a", "a summary of the verdicts; nothing is judged"),
        ],
        operands: [OperandSpec("STORE", kind: .path, summary: "the store directory; no run may be writing to it")],
        options: [
            OptionSpec(
                "verifier", kind: .repeated(.string), valueName: "VERIFIER",
                summary: "\(VerifierSpec.forms); may be given several times", group: group),
            OptionSpec(
                "workers", kind: .integer(1...VerifierSettings.workersMax), valueName: "N",
                summary: "processes that judge at the same time",
                details: "The default is four for each core, and one for each core where code is run.", group: group),
            OptionSpec(
                "verifier-timeout", kind: .duration(.milliseconds(1)...Interval.seconds(86_400)),
                summary: "how long a worker may take for one answer, or one run of a program: 1m and 10s", group: group),
            OptionSpec(
                "sandbox", kind: .choice(SandboxMode.allCases.map(\.rawValue)),
                summary: "the sandbox for the code of answers; none runs it with your rights", group: group,
                default: SandboxMode.bubblewrap.rawValue),
            OptionSpec("again", summary: "judge all answers, also those with a verdict", group: group),
            OptionSpec(
                "k", kind: .list(.integer(1...1_000_000)), valueName: "K,...",
                summary: "which pass@k: 1, 5, 10, 50, 100 as far as there are samples", group: resultGroup),
            OptionSpec("json", summary: "one JSON object", group: resultGroup),
            OptionSpec(
                "items", kind: .path, valueName: "FILE", summary: "a JSON line for each item; - is standard output",
                group: resultGroup),
            OptionSpec("force", summary: "replace the file of --items", group: resultGroup),
            .progress, .progressEvery,
        ],
        exitCodes: [.notFound, .badData, .io, .busy, .incomplete, .configuration, .interrupted])

    @Sendable
    static func run(_ command: ParsedCommand, _ context: CommandContext) async throws -> ExitCode {
        let root = command.operand("STORE")!
        var specs: [VerifierSpec] = []
        for text in command.strings("verifier") {
            let spec = try VerifierSpec(text)
            if !specs.contains(spec) { specs.append(spec) }
        }
        let items = try command.stringIfSet("items").map { path throws(RetortError) in
            try OutputFile(path, replacing: command.flag("force"))
        }
        var code = ExitCode.ok
        if specs.isEmpty {
            for name in ["workers", "verifier-timeout", "again"] where command.isGiven(name) {
                throw RetortError(
                    .usage, "--\(name) needs a verifier", remedy: "Give --verifier: \(VerifierSpec.forms).")
            }
        } else {
            code = try await evaluate(root, specs, command, context)
        }
        let reader = try StoreReader(root, options: StoreAccess.options)
        let names = specs.isEmpty ? StoredVerdicts.verifiers(of: reader.manifest) : specs.map(\.name)
        guard !names.isEmpty else {
            throw RetortError(
                .usage, "no verifier has judged the store's answers", at: root,
                remedy: "Give --verifier: \(VerifierSpec.forms).")
        }
        let ks = command.values("k").compactMap { if case .integer(let k) = $0 { k } else { nil } }
        var damages = 0
        let summary = try EvaluationSummary(
            reader, names, ks: ks.isEmpty ? nil : Array(Set(ks)).sorted(), keepsIDs: items != nil,
            onDamage: { damage in
                damages += 1
                context.messages.line(StoreAccess.sentence(damage))
            })
        if !specs.isEmpty, code != .interrupted { try note(summary, root) }
        try show(summary, items, asJSON: command.flag("json"))
        return code == .ok && damages > 0 ? .badData : code
    }

    private static func note(_ summary: EvaluationSummary, _ root: String) throws(RetortError) {
        let store = try RecordStore.open(root, options: StoreAccess.options)
        let noted = Result { () throws(RetortError) in try EvaluationNote.write(summary, to: store) }
        try store.close()
        try noted.get()
    }

    private static func show(_ summary: EvaluationSummary, _ items: OutputFile?, asJSON: Bool) throws(RetortError) {
        if let items {
            try summary.forEachItem { line throws(RetortError) in try items.line(line) }
            try items.finish()
        }
        let output = DataOutput.standardOutput()
        if asJSON {
            try output.line(String(decoding: summary.tree.line, as: UTF8.self))
        } else {
            for line in summary.lines { try output.line(line) }
        }
        try output.flush()
    }

    /// Judges the answers that have no verdict.
    private static func evaluate(
        _ root: String, _ specs: [VerifierSpec], _ command: ParsedCommand, _ context: CommandContext
    ) async throws -> ExitCode {
        let runsCode = specs.contains(.tests)
        let cores = ProcessorCount.now
        let workers = command.integerIfSet("workers") ?? (runsCode ? cores : cores * workersPerCore)
        let options = VerifierOptions(
            workers: workers, timeout: command.durationIfSet("verifier-timeout"), sandbox: command.choice("sandbox"),
            environment: context.environment)
        var verifiers: [any Verifier] = []
        for spec in specs { verifiers.append(try spec.verifier(options)) }
        for case let tests as TestsVerifier in verifiers { try await tests.check() }
        let secrets = Secrets(environment: context.environment)
        verifiers = verifiers.map { GuardedVerifier(inner: $0, secrets: secrets) }
        let store = try RecordStore.open(root, options: StoreAccess.options)
        let messages = context.progressStream(command)
        let progress = EvaluationProgress(
            messages, isQuiet: command.flag("quiet"), every: command.duration("progress-every"),
            total: Int(clamping: store.counters.done) * specs.count)
        let cancellation = Cancellation()
        SignalWatcher.onSignal { count in
            if count > 1 { _exit(ExitCode.interrupted.rawValue) }
            messages.line(
                "interrupted: the answers that are being judged are waited for; press Ctrl-C again to stop now")
            cancellation.raise()
        }
        let evaluation = StoreEvaluation(
            root: root, verifiers: verifiers, judgesAgain: command.flag("again"), answersMax: workers * 2)
        var result: Result<StoreEvaluation.Counts, RetortError>
        do throws(RetortError) {
            result = .success(try await evaluation.run(store, cancellation) { progress($0) })
        } catch { result = .failure(error) }
        for verifier in verifiers { await verifier.close() }
        try store.close()
        let counts = try result.get()
        progress.end(counts)
        for line in counts.damage { messages.line(line) }
        if cancellation.isRaised { return .interrupted }
        return counts.unable > 0 ? .incomplete : counts.damage.isEmpty ? .ok : .badData
    }
}

/// Prints from time to time how many answers have been judged, and a summary at the end.
private final class EvaluationProgress {
    private let messages: MessageStream
    private let isQuiet: Bool
    private let interval: Interval
    private let total: Int
    private let began = Instant.now
    private var last = Instant.now

    init(_ messages: MessageStream, isQuiet: Bool, every interval: Interval, total: Int) {
        (self.messages, self.isQuiet, self.interval, self.total) = (messages, isQuiet, interval, total)
    }

    func callAsFunction(_ counts: StoreEvaluation.Counts) {
        let now = Instant.now
        guard now - last >= interval else { return }
        last = now
        write(counts, "progress")
    }

    func end(_ counts: StoreEvaluation.Counts) {
        write(counts, "summary")
        guard counts.unable > 0, let example = counts.example, !isQuiet else { return }
        messages.line(
            "\(Human.plural(counts.unable, "answer")) could not be judged; run the same command again to judge them. "
                + "The first: \(CellWidth.sanitized(example))")
    }

    private func write(_ counts: StoreEvaluation.Counts, _ event: String) {
        guard !isQuiet else { return }
        if messages.writesJSON {
            return messages.event(
                #"{"event":"\#(event)","total":\#(total),"kept":\#(counts.kept),"judged":\#(counts.judged),"#
                    + #""passed":\#(counts.passed),"changed":\#(counts.changed),"unable":\#(counts.unable)}"#)
        }
        let seconds = max((Instant.now - began).seconds, 1e-9)
        var text = "\(Human.count(counts.kept + counts.judged)) of \(Human.count(total)) judged"
        text += ", \(Human.count(counts.passed)) passed now"
        if counts.kept > 0 { text += ", \(Human.count(counts.kept)) had a verdict" }
        if counts.changed > 0 { text += ", \(Human.count(counts.changed)) say another thing than before" }
        if counts.unable > 0 { text += ", \(Human.count(counts.unable)) could not be judged" }
        messages.line(text + "; \(Human.rate(Double(counts.judged) / seconds))")
    }
}
