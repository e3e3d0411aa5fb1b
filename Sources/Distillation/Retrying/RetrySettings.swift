package import Basics
package import CommandLine
package import Dataset
package import ModelAPI
import SegmentStore

/// The settings of a retry, checked against the job of its store.
package struct RetrySettings {
    package var run: RunSettings
    /// Failure classes to retry; nil: all that can be retried.
    package var classes: Set<FailureClass>?
    /// Replacements in the stored requests; nil: none.
    package var override: RequestOverride?
    /// Members that are removed or renamed; nil: none.
    package var edits: RequestEdits?

    package init(
        _ command: ParsedCommand, job: StoredJob, environment: [String: String]
    ) throws(RetortError) {
        let given = Self.givenTexts(command)
        let differences = job.differences(from: given)
        if !differences.isEmpty, !command.flag("override") {
            throw RetortError(
                .configuration, "the retry would differ from the store's job", at: command.operand("STORE"),
                cause: differences.joined(separator: "; "),
                remedy:
                    "Leave these options out, or add --override if such answers may be mixed with the others.")
        }
        run = try RunSettings(retrying: command, job: job, environment: environment)
        let classes = command.strings("class").compactMap { FailureClass(rawValue: $0) }
        self.classes = classes.isEmpty ? nil : Set(classes)
        let changesRequest = given.contains { name, text in
            !["simulated", "split_think", "reject_finish"].contains(name) && job.values[name] != text
        }
        edits = try RequestEdits(drops: command.strings("drop"), renames: command.strings("rename"))
        if run.reuse != nil, changesRequest || edits != nil {
            throw RetortError(
                .configuration, "--reuse compares requests with those of the store, and the retry would change them",
                at: command.operand("STORE"),
                remedy: "Leave out --reuse and --reuse-from, or --override, --drop and --rename.")
        }
        if run.batch != nil, changesRequest || edits != nil || run.verifier != nil {
            let what = run.verifier != nil ? "the store's answers are judged by a verifier" : "the requests are changed"
            throw RetortError(
                .configuration, "a retry through batches sends what failed as it was: \(what)",
                remedy: "Leave out --via batch.")
        }
        override = changesRequest ? try RequestOverride(run.parameters, endpoint: run.endpoint) : nil
    }

    /// The job's settings on the command line. A default model in the environment does not change a store's.
    private static func givenTexts(_ command: ParsedCommand) -> [String: String] {
        var texts = ParameterOptions.texts(of: command)
        if command.source(of: "model") == .commandLine { texts["model"] = command.string("model") }
        if command.flag("simulate") { texts["simulated"] = "yes" }
        if command.isGiven("base-url"), command.source(of: "base-url") == .commandLine { texts["simulated"] = "no" }
        if command.flag("split-think") { texts["split_think"] = "yes" }
        let reasons = Set(command.strings("reject-finish"))
        if !reasons.isEmpty { texts["reject_finish"] = reasons.sorted().joined(separator: ",") }
        return texts
    }
}

extension RunSettings {
    /// The settings of `retry`: the requests come from the job, everything else from the command line.
    package init(retrying command: ParsedCommand, job: StoredJob, environment: [String: String]) throws(RetortError) {
        // A store of simulated answers is never filled up with paid ones by mistake.
        let isSimulated = command.flag("simulate") || job.isSimulated && command.source(of: "base-url") != .commandLine
        try self.init(
            sending: command, to: job.endpoint, out: command.operand("STORE")!, isSimulated: isSimulated,
            environment: environment)
        splitsThinking = command.flag("split-think") || job.splitsThinking
        let reasons = Set(command.strings("reject-finish"))
        rejectedFinishReasons = reasons.isEmpty ? job.rejectedFinishReasons : reasons
        (parameters, parameterTexts) = try ParameterOptions.parameters(command, isSimulated: true)
        if command.source(of: "model") != .commandLine { parameters.model = job.model }
        let access =
            isSimulated
            ? nil : try AccessOptions(command, endpoint: endpoint, environment: environment, stored: job.baseURL)
        try readRequests(command, over: access?.servers ?? [], environment: environment)
        if let batches = try BatchOptions.settings(
            command, endpoint: endpoint, baseURL: baseURL, isSimulated: isSimulated)
        {
            take(try access?.single("--via batch", batches) ?? batches)
        }
        check = try Self.check(of: job, command, at: out)
        verifier = try VerifierSettings(of: job, command, environment: environment)
        fill = FillOptions(job: job.values[FillOptions.jobName])
        judgeAnswers(command, ofItems: job.isOfElements)
    }

    /// What answers must be: the job's, with as many corrections as the command line says.
    private static func check(
        of job: StoredJob, _ command: ParsedCommand, at out: String
    ) throws(RetortError) -> AnswerCheck? {
        let corrections = command.isGiven("corrections") ? command.integer("corrections") : nil
        if corrections ?? 0 > 0, job.check == nil {
            throw RetortError(
                .usage, "the store's answers are not checked, so that none can be corrected", at: out,
                remedy: "Leave out --corrections.")
        }
        return try job.check?.correcting(corrections)
    }
}
