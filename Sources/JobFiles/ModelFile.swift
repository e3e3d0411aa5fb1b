internal import Basics
internal import CommandLine

/// A model file: the server, and models under the user's own names.
struct ModelFile {
    struct Model {
        var name: String
        /// Its name at the server.
        var serverName: String
        var layer: Layer
    }

    var api = Layer()
    private var models: [Model] = []
    private var standard: String?
    private let root: YAMLNode

    /// Shorter names under `api:`.
    private static let shortNames = ["key": "key-variable", "url": "base-url"]

    private init(_ root: YAMLNode) { self.root = root }

    static func read(_ root: YAMLNode, _ reader: LayerReader) -> (ModelFile?, [RetortError]) {
        var file = ModelFile(root)
        var problems: [RetortError] = []
        for member in root.members ?? [] {
            switch member.name {
            case "api": file.readAPI(member, reader, &problems)
            case "models": file.readModels(member, reader, &problems)
            case "default": file.standard = member.value.text
            default:
                problems.append(
                    RetortError(
                        .configuration, "a model file has no '\(member.name)'", at: member.key.place,
                        remedy: "It has `api:`, `models:` and `default:`; options of all requests are under `api:`."))
            }
        }
        if let name = file.standard, !file.models.contains(where: { $0.name == name }) {
            problems.append(file.noModel(name))
            return (nil, problems)
        }
        return (file, problems)
    }

    private mutating func readAPI(
        _ member: YAMLNode.Member, _ reader: LayerReader, _ problems: inout [RetortError]
    ) {
        guard let members = member.value.members else {
            problems.append(
                RetortError(
                    .configuration, "api is not a mapping of options", at: member.value.place,
                    remedy: "Write `provider: NAME` or `base-url: URL` under it."))
            return
        }
        api = reader.layer(members, [], names: Self.shortNames, &problems)
    }

    private mutating func readModels(
        _ member: YAMLNode.Member, _ reader: LayerReader, _ problems: inout [RetortError]
    ) {
        guard let members = member.value.members, !members.isEmpty else {
            problems.append(
                RetortError(
                    .configuration, "models is not a mapping of names to models", at: member.value.place,
                    remedy: "Write under it a line such as `chat: {model: deepseek-chat, temperature: 0.7}`."))
            return
        }
        for entry in members {
            var model = Model(name: entry.name, serverName: entry.name, layer: Layer())
            if let text = entry.value.text {
                if !entry.value.isNull { model.serverName = text }
            } else if let options = entry.value.members {
                model.layer = reader.layer(options, [], names: ["name": "model"], &problems)
                if let index = model.layer.entries.firstIndex(where: { $0.option == "model" }) {
                    model.serverName = model.layer.entries[index].settings.first?.text ?? entry.name
                    model.layer.entries.remove(at: index)
                }
            } else {
                problems.append(
                    RetortError(
                        .configuration, "the model \(entry.name) is neither a name nor a mapping of options",
                        at: entry.value.place))
                continue
            }
            model.layer.entries.append(
                Layer.Entry(
                    option: "model", settings: [Setting("model", model.serverName, at: entry.key.place)],
                    place: entry.key.place))
            models.append(model)
        }
    }

    /// The model with that name; without a name the default, or the only one.
    func choose(_ name: String?) -> Model? {
        guard let name = name ?? standard else { return models.count == 1 ? models[0] : nil }
        return models.first { $0.name == name }
    }

    func noModel(_ name: String?) -> RetortError {
        let names = models.map(\.name)
        let list = names.isEmpty ? "The file has none." : "The file has \(names.joined(separator: ", "))."
        guard let name else {
            return RetortError(
                .configuration, "no model is chosen", at: root.file, remedy: "Add `model: NAME` to the job. " + list)
        }
        let near = Suggestion.nearest(to: name, among: names).map { "Did you mean \($0)? " } ?? ""
        let place = root.members?.first { $0.name == "default" && $0.value.text == name }?.value.place
        return RetortError(.configuration, "there is no model '\(name)'", at: place ?? root.file, remedy: near + list)
    }
}
