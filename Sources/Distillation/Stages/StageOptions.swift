package import Basics
package import CommandLine
import Filtering
import ModelAPI
package import PromptSource
package import StageSource

/// Options of `run` for an input that is a store.
package enum StageOptions {
    private static let group = "A store as input"

    package static let options: [OptionSpec] = [
        OptionSpec(
            "where", kind: .string, valueName: "CONDITION",
            summary:
                "take the records that meet this condition, e.g. 'finish == \"length\"'; class and error are of failures",
            details: """
                Fields: \(SourceSelection.fields.joined(separator: ", ")); value.NAME and metadata.NAME too. Compare \
                with == != < <= > >=, join with and, or, not. Where it names class, status or error, failures are \
                rows as well, but not rows that could not be read. pass, score and feedback are of the verdict on the \
                record; verdict has them as parts.
                """, group: group),
        OptionSpec(
            "verdict-by", kind: .string, valueName: "NAME",
            summary: "the verifier whose verdicts pass, score, feedback and verdict refer to, if several have judged",
            group: group),
        OptionSpec(
            "continue", summary: "continue each conversation: its messages, the answer, then the template's turns",
            group: group),
    ]

    /// The selection of `--where`.
    ///
    /// - Parameter stages: the names of the sources, if they are stages.
    package static func selection(
        _ command: ParsedCommand, _ stages: [String] = [], _ template: Template? = nil
    ) throws(RetortError) -> SourceSelection {
        var selection = SourceSelection.answers
        if let text = command.stringIfSet("where") {
            let condition = try WhereClause(text, fields: SourceSelection.fields + stages)
            selection = SourceSelection(condition, of: stages.first, classesLeftOut: [FailureClass.badInput.rawValue])
        }
        let names = Set((template?.fields ?? []).map { $0.prefix { $0 != "." } }.map(String.init))
        selection.verifier = command.stringIfSet("verdict-by")
        selection.wantsVerdicts =
            selection.asksForVerdicts || selection.verifier != nil
            || !names.isDisjoint(with: SourceSelection.fieldsOfVerdicts)
        return selection
    }

    package static func continues(_ command: ParsedCommand, hasTemplate: Bool) throws(RetortError) -> Bool {
        guard command.flag("continue") else { return false }
        guard hasTemplate else {
            throw RetortError(
                .usage, "--continue needs a template with the user's next turn",
                remedy: "Give --template FILE, or `prompt:` in a job file.")
        }
        return true
    }
}
