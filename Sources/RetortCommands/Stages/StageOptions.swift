import Basics
import CommandLine
import Filtering
import ModelAPI
import StageSource

/// Options of `run` for an input that is a store.
enum StageOptions {
    private static let group = "A store as input"

    static let options: [OptionSpec] = [
        OptionSpec(
            "where", kind: .string, valueName: "CONDITION",
            summary:
                "take the records for which it holds, e.g. 'finish == \"length\"'; class and error are of failures",
            details: """
                Fields: \(SourceSelection.fields.joined(separator: ", ")); value.NAME and metadata.NAME too. Compare with == \
                != < <= > >=, join with and, or, not. Where it names class, status or error, failures are rows as well, but \
                not rows that could not be read.
                """, group: group),
        OptionSpec(
            "continue", summary: "go on with each conversation: its messages, the answer, then the template's turns",
            group: group),
    ]

    /// What `--where` selects.
    ///
    /// - Parameter stage: the source's name, where it is a stage.
    static func selection(_ command: ParsedCommand, of stage: String? = nil) throws(RetortError) -> SourceSelection {
        guard let text = command.stringIfSet("where") else { return .answers }
        let condition = try WhereClause(text, fields: SourceSelection.fields + [stage].compactMap { $0 })
        return SourceSelection(condition, of: stage, classesLeftOut: [FailureClass.badInput.rawValue])
    }

    static func continues(_ command: ParsedCommand, hasTemplate: Bool) throws(RetortError) -> Bool {
        guard command.flag("continue") else { return false }
        guard hasTemplate else {
            throw RetortError(
                .usage, "--continue needs a template, which says what the user says next",
                remedy: "Give --template FILE, or `prompt:` in a job file.")
        }
        return true
    }
}
