import Basics
import CommandLine
import JobFiles
import PromptSource

/// A run in one YAML file: the options of `run` by name, the input, and a template; and the models in another one.
///
///     model-config: models.yaml     # where requests go, and the models by names of one's own
///     model: chat
///     input: prompts.jsonl          # or a list
///     out: runs/a
///     max-tokens: 2000
///     stop: ["\n\n", "END"]
///     prompt: |
///       Explain {{topic}} to a child of {{age}}.
///
/// Names may be written with `_` for `-`. The command line and the environment win over the file. Paths are meant as
/// on the command line: from the working directory; a model file and files of lines are also looked for beside the job
/// file.
struct JobFile {
    private let document: JobDocument
    private let file: JobDocument.Source?
    private(set) var inputs: [String] = []
    /// What makes the rows in place of an input.
    private(set) var matrix: Matrix?
    /// The template of `prompt:`, and its text.
    private(set) var template: (template: Template, text: String)?
    /// The template's place.
    private(set) var templatePlace: String?
    /// All that is wrong with the files, in their order.
    private(set) var problems: [RetortError]

    /// Of a stage that reads from others: the name of the one that is read record by record, its store, and all names.
    private(set) var source: (stage: String, store: String, names: [String])?

    /// The longest job file.
    static let bytesMax = YAMLReader.bytesMax

    /// Options that choose among what files hold, on the command line too.
    static let options: [OptionSpec] = [
        OptionSpec(
            "job", kind: .string, valueName: "NAME", summary: "the job to run, of a job file with several under jobs:",
            group: "Job files"),
        OptionSpec(
            "model-config", kind: .path, valueName: "FILE",
            summary: "a YAML file of api:, models: and default:; --model then names one of its models",
            group: "Job files"),
    ]

    /// Whether an operand of `run` is a job file.
    static func isName(_ operand: String) -> Bool { operand.hasSuffix(".yaml") || operand.hasSuffix(".yml") }

    /// Throws the first problem, with the file's name and the place.
    init(parsing text: String, name: String, options: [OptionSpec]) throws(RetortError) {
        self.init((text, name), JobDocument.Choice(), options)
        if let problem = problems.first { throw problem }
    }

    /// - Parameter source: the job file; nil where there is a model file only.
    init(_ source: JobDocument.Source?, _ choice: JobDocument.Choice, _ options: [OptionSpec]) {
        document = JobDocument(source, options: options, choice: choice) { (path) throws(RetortError) in
            try Self.file(path, beside: source?.file)
        }
        problems = document.problems
        file = source
        readInput()
        readMatrix()
        readPrompt()
    }

    /// Whether the file speaks of one, be it right or wrong.
    var namesMatrix: Bool { document.special["matrix"] != nil }
    /// The options, for `ParsedCommand.applying`.
    var settings: [Setting] { document.settings }
    /// Those of jobs that were not chosen.
    var otherSettings: [Setting] { document.otherSettings }
    /// The model's name for the server, where a model file says it.
    var model: String? { document.model }
    var notes: [String] { document.notes }
    /// Those of `stages:`.
    var stages: [JobStage] { document.stages }

    /// The job of a stage whose rows are the records of another one's store, or of several.
    mutating func read(from stage: String, at store: String, joining names: [String]) {
        source = (stage, store, names.isEmpty ? [JobStage.family(of: stage)] : names)
    }

    /// A file that the job names: from the working directory, or else beside the job file.
    private static func file(_ path: String, beside job: String?) throws(RetortError) -> JobDocument.Source {
        do throws(RetortError) {
            return (try TextFile.read(path), path)
        } catch {
            guard error.code == .inputMissing, !path.hasPrefix("/"), let slash = job?.lastIndex(of: "/"), let job else {
                throw error
            }
            let other = job[...slash] + path
            guard let text = try? TextFile.read(String(other)) else { throw error }
            return (text, String(other))
        }
    }

    private mutating func readInput() {
        guard let input = document.special["input"] else { return }
        guard let texts = input.value.scalars?.compactMap(\.text), !texts.isEmpty, !texts.contains("") else {
            problems.append(
                RetortError(
                    .configuration, "input is neither a path nor a list of paths", at: input.value.place,
                    remedy: "Write `input: prompts.jsonl`, or `input: [a.jsonl, b.csv]`."))
            return
        }
        inputs = texts
    }

    private mutating func readMatrix() {
        let job = file?.file
        matrix = MatrixReader.read(document.special, problems: &problems) { (path) throws(RetortError) in
            try Self.file(path, beside: job).text
        }
        guard document.special["matrix"] != nil, let input = document.special["input"] else { return }
        problems.append(
            RetortError(
                .configuration, "there is a matrix and an input", at: input.key.place,
                remedy: "Keep one: the rows of a matrix are its combinations."))
    }

    private mutating func readPrompt() {
        guard let prompt = document.special["prompt"] else { return }
        guard let text = prompt.value.text else {
            problems.append(RetortError(.configuration, "prompt is one text", at: prompt.value.place))
            return
        }
        templatePlace = prompt.key.place
        do throws(RetortError) {
            let made = try Template.parse(text, name: "\(prompt.key.place) (prompt)")
            template = (made, text + made.insertedText)
        } catch {
            var error = error
            if let place = place(of: error, in: prompt.value) { error.place = place }
            problems.append(error)
        }
        if let other = settings.first(where: { $0.name == "template" }) {
            problems.append(
                RetortError(.configuration, "there is a template and a prompt", at: other.place, remedy: "Keep one."))
        }
    }

    /// Where in the file a place of a block's text is, which ends in `:line:column`.
    private func place(of error: RetortError, in block: YAMLNode) -> String? {
        guard block.isBlock, let file, let numbers = error.place?.split(separator: ":").suffix(2).map({ Int($0) }),
            numbers.count == 2, let line = numbers[0], let column = numbers[1], block.file == file.file
        else { return nil }
        let lines = file.text.split(omittingEmptySubsequences: false) { $0.isNewline }.dropFirst(block.line)
        let indent = lines.lazy.filter { $0.contains { $0 != " " } }.first?.prefix { $0 == " " }.count ?? 0
        return "\(block.file):\(block.line + line):\(indent + column)"
    }

    /// What the command line gives after the job file, or else the file's own input.
    func inputs(given operands: [String]) throws(RetortError) -> [String] {
        if let source { return [source.store] }
        let rest = Array(operands.dropFirst())
        guard rest.isEmpty || document.special["matrix"] == nil else {
            throw RetortError(
                .configuration, "the job has a matrix, and the command line an input", at: rest.first,
                remedy: "Leave the input out, or the matrix.")
        }
        guard !rest.isEmpty || !inputs.isEmpty || document.special["matrix"] != nil else {
            throw RetortError(
                .configuration, "the job names no input", at: operands.first,
                remedy: "Add `input: FILE` to it, or name the input after it.")
        }
        return rest.isEmpty ? inputs : rest
    }
}
