public import Basics
public import CommandLine
internal import JSONText

/// A job file and a model file combined into settings of options: the model file's `api:` and the chosen model,
/// overridden by the job file's top level, overridden by the chosen one of its `jobs:`.
///
/// All errors are collected, so that they can be reported together.
public struct JobDocument: Sendable {
    /// The choices of the command line and the environment.
    public struct Choice: Sendable {
        /// The section of `jobs:`.
        public var job: String?
        /// A name of the model file's `models:`.
        public var model: String?
        /// The model file.
        public var modelConfig: String?
        /// The index in `stages:`, from 0; nil: the settings common to all.
        public var stage: Int?

        public init(job: String? = nil, model: String? = nil, modelConfig: String? = nil, stage: Int? = nil) {
            (self.job, self.model, self.modelConfig, self.stage) = (job, model, modelConfig, stage)
        }
    }

    /// The job file: its text and its name.
    public typealias Source = (text: String, file: String)

    /// Names in a job file that are not options.
    public static let reserved: Set<String> = MatrixReader.names.union(["input", "prompt", "jobs", "stages"])

    /// For `ParsedCommand.applying`.
    public private(set) var settings: [Setting] = []
    /// The settings of sections that were not chosen, which are checked too.
    public private(set) var otherSettings: [Setting] = []
    /// Members that are not options, by name.
    public private(set) var special: [String: YAMLNode.Member] = [:]
    /// The model's name at the server, if a model file gives one.
    public private(set) var model: String?
    /// The valid stages of `stages:`.
    public private(set) var stages: [JobStage] = []
    /// One line for each file with option names of other programs.
    public private(set) var notes: [String] = []
    public private(set) var problems: [RetortError] = []

    private let reader: LayerReader

    /// - Parameters:
    ///   - options: those of the command.
    ///   - read: returns the text of a model file, and its name for messages.
    public init(
        _ job: Source?, options: [OptionSpec], choice: Choice,
        read: (String) throws(RetortError) -> Source
    ) {
        reader = LayerReader(options)
        var layers: [Layer] = []
        let root = job.flatMap { YAMLReader.read($0.text, file: $0.file, problems: &problems) }
        var top = Layer()
        if let root { top = reader.layer(root.members ?? [], Self.reserved, &problems) }
        let section = self.section(of: top, choice, place: job?.file)
        let list = (section?.special["stages"] ?? top.special["stages"])
        let stage = list.flatMap { self.stage(of: $0, choice.stage) }
        let named = choice.modelConfig.map { ($0, "--model-config") } ?? modelConfig(stage, section, top)
        if let (path, place) = named {
            layers += modelLayers(path, place, choice.model ?? text("model", stage, section, top), read)
        }
        layers.append(top)
        if let section { layers.append(section) }
        if let stage { layers.append(stage) }
        for layer in layers { special.merge(layer.special) { $1 } }
        special["jobs"] = nil
        special["stages"] = nil
        settings = Layer.merged(layers, &problems)
        // The server's name replaces the model file's.
        if let model { settings = settings.map { $0.name == "model" ? Setting("model", model, at: $0.place) : $0 } }
        let spelled = layers.flatMap(\.spelled)
        notes = Self.notes(spelled)
    }

    private static func notes(_ spelled: [Layer.Spelled]) -> [String] {
        var files: [String] = []
        for one in spelled where !files.contains(one.file) { files.append(one.file) }
        return files.map { file in
            let list = spelled.filter { $0.file == file }.map { "\($0.name) as \($0.meaning)" }
            return "\(file): understood " + list.joined(separator: ", ")
        }
    }

    private func modelConfig(_ layers: Layer?...) -> (String, String)? {
        for layer in layers.compactMap({ $0 }) {
            if let entry = layer.entries.first(where: { $0.option == "model-config" })?.settings.first {
                return (entry.text, entry.place)
            }
        }
        return nil
    }

    private func text(_ option: String, _ layers: Layer?...) -> String? {
        for layer in layers.compactMap({ $0 }) {
            if let text = layer.entries.first(where: { $0.option == option })?.settings.first?.text { return text }
        }
        return nil
    }

    // MARK: Stages

    /// Reads the list of stages, and the options of one of them.
    private mutating func stage(of list: YAMLNode.Member, _ number: Int?) -> Layer? {
        let found = JobStage.read(list, &problems)
        stages = found.map(\.stage)
        var chosen: Layer?
        for (place, one) in found.enumerated() {
            var ignored: [RetortError] = []
            let layer = reader.layer(
                one.options, Self.reserved.union(JobStage.reserved), names: JobStage.names, &ignored)
            if place == number {
                problems += ignored
                chosen = layer
            }
        }
        return chosen
    }

    // MARK: Sections

    private mutating func section(of top: Layer, _ choice: Choice, place: String?) -> Layer? {
        guard let jobs = top.special["jobs"] else {
            if let job = choice.job, let place {
                problems.append(
                    RetortError(
                        .configuration, "there is no job '\(job)'", at: place, cause: "the file has no `jobs:`",
                        remedy: "Leave --job out, or put the job under `jobs:`."))
            }
            return nil
        }
        guard let members = jobs.value.members, !members.isEmpty else {
            problems.append(
                RetortError(
                    .configuration, "jobs is not a mapping of names to jobs", at: jobs.value.place,
                    remedy: "Write `jobs:`, and under it a line `NAME:` with the job's options below."))
            return nil
        }
        let names = members.map(\.name)
        let wanted = choice.job ?? top.entries.first { $0.option == "job" }?.settings.first?.text
        let chosen = wanted ?? (names.count == 1 ? names[0] : nil)
        var found: Layer?
        for member in members {
            guard let options = member.value.members else {
                problems.append(
                    RetortError(
                        .configuration, "the job \(member.name) has no options", at: member.value.place,
                        remedy: "Write its options below, such as `out: runs/\(member.name)`."))
                continue
            }
            let layer = reader.layer(options, Self.reserved.subtracting(["jobs"]), &problems)
            if member.name == chosen {
                found = layer
            } else {
                otherSettings += layer.entries.flatMap(\.settings)
            }
        }
        if let chosen, !names.contains(chosen) {
            let near = Suggestion.nearest(to: chosen, among: names).map { "Did you mean \($0)? " } ?? ""
            problems.append(
                RetortError(
                    .configuration, "there is no job '\(chosen)'", at: jobs.key.place,
                    remedy: near + "The file has \(names.joined(separator: ", "))."))
        } else if chosen == nil {
            problems.append(
                RetortError(
                    .configuration, "the file holds \(names.count) jobs", at: jobs.key.place,
                    remedy: "Name one with --job: \(names.joined(separator: ", "))."))
        }
        return found
    }

    // MARK: The model file

    private mutating func modelLayers(
        _ path: String, _ place: String, _ wanted: String?, _ read: (String) throws(RetortError) -> Source
    ) -> [Layer] {
        let source: Source
        do throws(RetortError) {
            source = try read(path)
        } catch {
            var error = error
            if error.code == .inputMissing { error.message = "no such model file" }
            error.cause = "named at \(place)"
            problems.append(error)
            return []
        }
        guard let root = YAMLReader.read(source.text, file: source.file, problems: &problems) else { return [] }
        let (file, found) = ModelFile.read(root, reader)
        problems += found
        guard let file else { return [] }
        guard let chosen = file.choose(wanted) else {
            problems.append(file.noModel(wanted))
            return [file.api]
        }
        model = chosen.serverName
        return [file.api, chosen.layer]
    }
}
