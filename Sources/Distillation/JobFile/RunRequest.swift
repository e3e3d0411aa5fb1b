package import Basics
package import CommandLine
import Dataset
import JobFiles
import PromptSource

/// The arguments of `run` and `plan` from command line, environment and files together.
package struct RunRequest {
    /// The command completed with the values of the files.
    package let command: ParsedCommand
    /// The job file, if the first operand is one; nil if it is an input.
    package let job: JobFile?
    /// Notes about the files.
    package private(set) var notes: [String] = []
    /// All problems of the files.
    package private(set) var problems: [RetortError] = []

    /// - Parameter stage: the index of a stage in the job's list.
    package init(_ given: ParsedCommand, stage: Int? = nil) throws(RetortError) {
        let path = given.operands("PROMPTS").first.flatMap { JobFile.isName($0) ? $0 : nil }
        let config = given.stringIfSet("model-config")
        guard path != nil || config != nil else {
            if given.isGiven("job") {
                throw RetortError(
                    .usage, "--job names a job of a job file, and none is given", at: given.origin(of: "job"),
                    remedy: "Name the job file first: retort \(given.spec.name) job.yaml --job NAME.")
            }
            (command, job) = (given, nil)
            return
        }
        let choice = JobDocument.Choice(
            job: given.stringIfSet("job"), model: given.stringIfSet("model"), modelConfig: config,
            stage: stage)
        let source = try path.map { path throws(RetortError) in (try TextFile.read(path), path) }
        var file = JobFile(source, choice, given.spec.options)
        problems = file.problems
        var completed = given.applying(file.settings, problems: &problems)
        _ = given.applying(file.otherSettings, problems: &problems)
        if let model = file.model { completed = completed.meaning(model, by: "model") }
        if let stage, stage < file.stages.count, let from = file.stages[stage].from {
            file.read(
                from: from, at: "\(completed.stringIfSet("out") ?? "")/\(from)", joining: file.stages[stage].join)
        }
        command = completed
        job = path == nil ? nil : file
        notes = file.notes
    }

    /// The settings. All problems are reported except the last one, which is thrown.
    package func settings(_ context: CommandContext, environment: [String: String]) throws(RetortError) -> RunSettings {
        var problems = problems
        var settings: RunSettings?
        do throws(RetortError) {
            settings = try RunSettings(command, environment: environment, job: job)
        } catch {
            // After other problems, a missing value may be the one that was invalid.
            if problems.isEmpty || error.code != .usage { problems.append(placed(error)) }
        }
        if !problems.isEmpty { problems += missingFiles(problems) }
        guard let settings, problems.isEmpty else {
            let last = problems.removeLast()
            for problem in problems { context.messages.report(problem, from: "retort") }
            throw last
        }
        if !command.flag("quiet") { for note in notes { context.messages.line("note: " + CellWidth.sanitized(note)) } }
        return settings
    }

    /// The error with the place in a file of the option that it names.
    private func placed(_ error: RetortError) -> RetortError {
        var error = error
        if let place = error.place, place.hasPrefix("--") {
            let name = String(place.dropFirst(2).prefix { $0 != " " && $0 != "," })
            if command.givenNames.contains(name), let origin = command.origin(of: name) { error.place = origin }
            return error
        }
        // A file named by an option in a file.
        let named = command.givenNames.first {
            command.source(of: $0) == .file && command.value($0)?.text == error.place
        }
        if let origin = named.flatMap({ command.origin(of: $0) }) {
            error.cause = (error.cause.map { "\($0), " } ?? "") + "named at \(origin)"
        }
        return error
    }

    /// Missing inputs. A run would notice them only when it begins, but they are reported together with the other
    /// problems.
    private func missingFiles(_ problems: [RetortError]) -> [RetortError] {
        guard let job, job.source == nil, !job.namesMatrix,
            let inputs = try? job.inputs(given: command.operands("PROMPTS"))
        else { return [] }
        if inputs.contains(where: StoreAccess.isStore) { return [] }
        do throws(RetortError) {
            _ = try InputSet.resolve(inputs)
            return []
        } catch {
            return problems.contains(error) ? [] : [error]
        }
    }

    /// The source of each given value: `max_tokens: 500 (job.yaml:3:13)`.
    package static func origins(_ command: ParsedCommand) -> [(name: String, value: String, origin: String)] {
        command.givenNames.compactMap { name in
            guard let value = command.value(name), let origin = command.origin(of: name) else { return nil }
            return (name, shown(name, value), origin)
        }
    }

    /// A value for display, without anything that may be a secret.
    private static func shown(_ name: String, _ value: OptionValue) -> String {
        // The address for notifications may itself be a secret.
        guard name != "header", name != "notify" || !PostTarget.isURL(value.text) else { return "..." }
        var text = value.text
        if name == "base-url", case .list(let urls) = value {
            text = urls.map { url in
                url.text.split(separator: " ").map { ServerNote.withoutSecrets(String($0)) }.joined(separator: " ")
            }.joined(separator: ", ")
        }
        return text.count > shownMax ? text.prefix(shownMax) + "..." : text
    }

    private static let shownMax = 60
}
