package import Basics
package import CommandLine
import Dataset
import JSONText
package import ModelAPI
package import PromptSource
package import ResponseGenerator
package import SegmentStore
package import Verifiers

/// Which verifier judges a run's answers, and what happens to rejected ones.
package struct VerifierSettings: Sendable {
    package var spec: VerifierSpec
    package var workers: Int
    /// Nil: the verifier's default.
    package var timeout: Interval?
    /// The sandbox for the code of answers.
    package var sandbox: SandboxMode
    /// Maximum answers per item.
    package var roundsMax: Int
    /// What the model is told about a rejection.
    package var feedback: FeedbackTurn
    /// Whether the best answer counts if none passes.
    package var keepsBest: Bool
    /// The environment of a verifier's processes, without variables that hold keys.
    package var environment: [String: String]

    /// The name of the note that stores the rounds, for retries.
    package static let roundsNote = "rounds"

    private static let group = "Verifiers and rounds"
    package static let roundsMaxMax = 100
    package static let workersMax = 1024

    package static let options: [OptionSpec] = [
        OptionSpec(
            "verifier", kind: .string, valueName: "VERIFIER",
            summary: "judge each answer before it counts: \(VerifierSpec.forms)",
            details: """
                A command is started once for each worker and kept. It reads a JSON line {"id", "sample", "round", "row", \
                "messages", "response", "value"} for each answer and writes a line {"id", "sample", "pass", "score", \
                "feedback", "value"}, in any order; score, feedback and value may be left out. A worker that dies, hangs or \
                writes something else is started again: that is its own failure, and the answer stays in rounds/ until it is \
                judged, at no cost. An answer that is rejected fails as verifier, or goes into the next round.
                """,
            group: group),
        OptionSpec(
            "verifier-workers", kind: .integer(1...workersMax), valueName: "N",
            summary: "processes that judge at the same time; the default is the number of cores", group: group),
        OptionSpec(
            "verifier-timeout", kind: .duration(.milliseconds(1)...Interval.seconds(86_400)),
            summary: "how long a worker may take for one answer: 1m; with tests a program: 10s", group: group),
        OptionSpec(
            "sandbox", kind: .choice(SandboxMode.allCases.map(\.rawValue)),
            summary: "the sandbox for code under the verifier tests; none: it runs with your rights",
            group: group,
            default: SandboxMode.bubblewrap.rawValue),
        OptionSpec(
            "rounds", kind: .integer(1...roundsMaxMax), valueName: "N",
            summary: "maximum answers per item: a rejected one goes back with the verifier's feedback",
            group: group, default: "1"),
        OptionSpec(
            "feedback", kind: .path, valueName: "FILE",
            summary: "a template of the turn after a rejected answer: {{feedback}}, {{score}}, {{response}}",
            group: group),
        OptionSpec("keep-best", summary: "if no round passes, keep the answer with the best score", group: group),
    ]

    /// Nil if no verifier judges the answers.
    package init?(_ command: ParsedCommand, environment: [String: String]) throws(RetortError) {
        guard let text = command.stringIfSet("verifier") else {
            for name in ["verifier-workers", "verifier-timeout", "sandbox", "feedback", "keep-best"]
            where command.isGiven(name) {
                throw Self.unused("--\(name)")
            }
            if command.integer("rounds") > 1 { throw Self.unused("--rounds") }
            return nil
        }
        try self.init(VerifierSpec(text), command, environment: environment)
    }

    /// - Parameter roundsDefault: used if the command line does not set the rounds.
    package init(
        _ spec: VerifierSpec, _ command: ParsedCommand, environment: [String: String], roundsDefault: Int? = nil
    ) throws(RetortError) {
        self.environment = environment
        self.spec = spec
        workers = command.integerIfSet("verifier-workers") ?? ProcessorCount.now
        timeout = command.durationIfSet("verifier-timeout")
        sandbox = command.choice("sandbox")
        let isGiven = command.isGiven("rounds") || roundsDefault == nil
        roundsMax = isGiven ? command.integer("rounds") : min(max(1, roundsDefault ?? 1), Self.roundsMaxMax)
        feedback = try FeedbackTurn(command.stringIfSet("feedback"))
        keepsBest = command.flag("keep-best")
    }

    private static func unused(_ option: String) -> RetortError {
        RetortError(
            .usage, "\(option) says how answers are judged, but nothing judges them",
            remedy: "Give --verifier as well: \(VerifierSpec.forms).")
    }

    /// From a store's job, for a retry; nil if no verifier judged its answers. The command line may change the rounds.
    package init?(of job: StoredJob, _ command: ParsedCommand, environment: [String: String]) throws(RetortError) {
        guard let text = job.values[StoredVerdicts.jobName] else {
            if command.isGiven("rounds") { throw Self.unused("--rounds") }
            return nil
        }
        try self.init(VerifierSpec(text), command, environment: environment, roundsDefault: job.rounds)
    }

    /// Stores what a retry needs.
    package func note(in store: RecordStore) throws(RetortError) {
        if roundsMax > 1 || store.manifest.notes?[Self.roundsNote] != nil {
            try store.note(Self.roundsNote, String(roundsMax))
        }
    }
}

/// The turn that tells the model why its answer was rejected.
package struct FeedbackTurn: Sendable {
    /// Nil: the feedback is used unchanged.
    package let template: Template?

    /// Used if the verifier gave no feedback.
    package static let noFeedback = "This answer was rejected. Try again."
    package static let fields: Set<String> = ["feedback", "score", "response", "round"]

    /// Throws when the template's file cannot be read, has marked turns, or names an unknown field.
    package init(_ path: String?) throws(RetortError) {
        guard let path else {
            template = nil
            return
        }
        let template = try Template.load(path)
        guard template.isOneText else {
            throw RetortError(
                .configuration, "the feedback's template marks turns", at: path,
                remedy: "It is one turn, the user's: leave out @system, @user and @assistant.")
        }
        if let unknown = template.fields.first(where: { !Self.fields.contains($0) }) {
            throw RetortError(
                .configuration, "the feedback's template names a field '\(unknown)'", at: path,
                remedy: "It has \(Self.fields.sorted().joined(separator: ", ")).")
        }
        self.template = template
    }

    /// UTF-8.
    package func text(_ opinion: ItemOpinion, _ answer: ModelAnswer) -> [UInt8] {
        let feedback = opinion.feedback.isEmpty ? Self.noFeedback : opinion.feedback
        guard let template else { return Array(feedback.utf8) }
        var object = JSONLine()
        object.text("feedback", feedback)
        object.member("score", "\(opinion.score.isFinite ? opinion.score : 0)")
        object.member("response", Array(answer.responseRaw))
        object.member("round", String(opinion.round))
        return (try? template.text(of: object.finished)) ?? Array(feedback.utf8)
    }
}
