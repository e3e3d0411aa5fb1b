package import Basics
package import CommandLine
package import JobFiles
package import PromptSource

/// A run in one YAML file: options of `run` by name, the input, and a template; a second file may hold the models.
///
///     model-config: models.yaml     # the server, and models under names of your own
///     model: chat
///     input: prompts.jsonl          # or a list
///     out: runs/a
///     max-tokens: 2000
///     stop: ["\n\n", "END"]
///     prompt: |
///       Explain {{topic}} to a child of {{age}}.
///
/// Names may be written with `_` instead of `-`. The command line and the environment take precedence over the file.
/// Paths are relative to the working directory, as on the command line; a model file and files of lines are also looked
/// for beside the job file.
package struct JobFile {
    private let document: JobDocument
    private let file: JobDocument.Source?
    package private(set) var inputs: [String] = []
    /// The matrix that generates the rows instead of an input.
    package private(set) var matrix: Matrix?
    /// The template of `prompt:`, and its text.
    package private(set) var template: (template: Template, text: String)?
    /// The template's place in the file.
    package private(set) var templatePlace: String?
    /// All problems of the files, in order.
    package private(set) var problems: [RetortError]

    /// For a stage that reads from others: the name and store of the stage that is read record by record, and all
    /// names.
    package private(set) var source: (stage: String, store: String, names: [String])?

    /// Maximum bytes of a job file.
    package static let bytesMax = YAMLReader.bytesMax

    /// Options that select parts of the files, also on the command line.
    package static let options: [OptionSpec] = [
        OptionSpec(
            "job", kind: .string, valueName: "NAME", summary: "the job to run, of a job file with several under jobs:",
            group: "Job files"),
        OptionSpec(
            "model-config", kind: .path, valueName: "FILE",
            summary: "a YAML file of api:, models: and default:; --model then names one of its models",
            group: "Job files"),
    ]

    /// Whether an operand of `run` is a job file.
    package static func isName(_ operand: String) -> Bool { operand.hasSuffix(".yaml") || operand.hasSuffix(".yml") }

    /// Throws the first problem, with the file's name and the place.
    package init(parsing text: String, name: String, options: [OptionSpec]) throws(RetortError) {
        self.init((text, name), JobDocument.Choice(), options)
        if let problem = problems.first { throw problem }
    }

    /// - Parameter source: the job file; nil if there is only a model file.
    package init(_ source: JobDocument.Source?, _ choice: JobDocument.Choice, _ options: [OptionSpec]) {
        document = JobDocument(source, options: options, choice: choice) { (path) throws(RetortError) in
            try Self.file(path, beside: source?.file)
        }
        problems = document.problems
        file = source
        readInput()
        readMatrix()
        readPrompt()
    }

    /// Whether the file mentions a matrix, valid or not.
    package var namesMatrix: Bool { document.special["matrix"] != nil }
    /// The options, for `ParsedCommand.applying`.
    package var settings: [Setting] { document.settings }
    /// The options of jobs that were not chosen.
    package var otherSettings: [Setting] { document.otherSettings }
    /// The model's name at the server, if a model file gives one.
    package var model: String? { document.model }
    package var notes: [String] { document.notes }
    /// The stages of `stages:`.
    package var stages: [JobStage] { document.stages }

    /// Makes the records of another stage's store, or of several, the rows of this job.
    package mutating func read(from stage: String, at store: String, joining names: [String]) {
        source = (stage, store, names.isEmpty ? [JobStage.family(of: stage)] : names)
    }

    /// The path of a file that the job names: relative to the working directory, or else to the job file.
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

    /// The place in the file of an error in a block's text, whose own place ends in `:line:column`.
    private func place(of error: RetortError, in block: YAMLNode) -> String? {
        guard block.isBlock, let file, let numbers = error.place?.split(separator: ":").suffix(2).map({ Int($0) }),
            numbers.count == 2, let line = numbers[0], let column = numbers[1], block.file == file.file
        else { return nil }
        let lines = file.text.split(omittingEmptySubsequences: false) { $0.isNewline }.dropFirst(block.line)
        let indent = lines.lazy.filter { $0.contains { $0 != " " } }.first?.prefix { $0 == " " }.count ?? 0
        return "\(block.file):\(block.line + line):\(indent + column)"
    }

    /// The inputs given on the command line after the job file, or else the file's own.
    package func inputs(given operands: [String]) throws(RetortError) -> [String] {
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
