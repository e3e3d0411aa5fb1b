import Basics
import CommandLine
import PromptSource
import SegmentStore

/// A run in one YAML file: the options of `run` by name, the input, and a template.
///
///     input: prompts.jsonl          # or a list
///     out: runs/a
///     model: deepseek-chat
///     max-tokens: 2000
///     stop: ["\n\n", "END"]
///     prompt: |
///       Explain {{topic}} to a child of {{age}}.
///
/// Names may be written with `_` for `-`. The command line and the environment win over the file. Paths are meant as
/// on the command line: from the working directory.
struct JobFile {
    /// The options, for `ParsedCommand.applying`.
    private(set) var settings: [Setting] = []
    private(set) var inputs: [String] = []
    /// The template of `prompt:`, and its text.
    private(set) var template: (template: Template, text: String)?

    /// The longest job file.
    static let bytesMax = 1 << 20

    /// Whether an operand of `run` is a job file.
    static func isName(_ operand: String) -> Bool { operand.hasSuffix(".yaml") || operand.hasSuffix(".yml") }

    /// Throws `.configuration` with the file's name and the line.
    init(parsing text: String, name: String) throws(RetortError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw RetortError(.configuration, "the job file is longer than \(Self.bytesMax) bytes", at: name)
        }
        for entry in try YAMLEntries(parsing: Array(text.utf8), name: name).entries {
            let place = "\(name):\(entry.name.line)"
            switch entry.name.text {
            case "input": inputs = entry.values.map(\.text)
            case "prompt":
                guard let text = entry.values.first?.text, !entry.isList else {
                    throw RetortError(.configuration, "prompt is one text", at: place)
                }
                template = (try Template.parse(text, name: "\(place) (prompt)"), text)
            default:
                let option = entry.name.text.replacing("_", with: "-")
                for value in entry.values {
                    settings.append(Setting(option, value.text, at: "\(name):\(value.line)"))
                }
            }
        }
        if template != nil, let other = settings.first(where: { $0.name == "template" }) {
            throw RetortError(.configuration, "there is a template and a prompt", at: other.place, remedy: "Keep one.")
        }
    }

    /// The job file among the operands of a command, if its first one is one.
    static func load(_ command: ParsedCommand) throws(RetortError) -> JobFile? {
        guard let path = command.operands("PROMPTS").first, isName(path) else { return nil }
        return try JobFile(parsing: try TextFile.read(path), name: path)
    }

    /// What the command line gives after the job file, or else the file's own input.
    func inputs(given operands: [String]) throws(RetortError) -> [String] {
        let rest = Array(operands.dropFirst())
        guard !rest.isEmpty || !inputs.isEmpty else {
            throw RetortError(
                .configuration, "the job names no input", at: operands.first,
                remedy: "Add `input: FILE` to it, or name the input after it.")
        }
        return rest.isEmpty ? inputs : rest
    }
}
