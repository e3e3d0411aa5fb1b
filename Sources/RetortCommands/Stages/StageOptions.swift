import Basics
import CommandLine

/// Options of `run` for an input that is a store.
enum StageOptions {
    private static let group = "A store as input"

    static let options: [OptionSpec] = [
        OptionSpec(
            "continue", summary: "go on with each conversation: its messages, the answer, then the template's turns",
            group: group)
    ]

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
