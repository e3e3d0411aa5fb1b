internal import Basics
internal import CommandLine
internal import JSONText

/// The options of one mapping. A later layer's value replaces an earlier one's.
struct Layer: Sendable {
    struct Entry: Sendable {
        var option: String
        var settings: [Setting]
        /// Set if the settings are members of a mapping, `NAME=JSON` or `NAME: VALUE`, which layers add one by one.
        var separator: Character?
        var place: String
    }

    /// A name of another program.
    struct Spelled: Sendable {
        var name: String
        var meaning: String
        var file: String
    }

    var entries: [Entry] = []
    var special: [String: YAMLNode.Member] = [:]
    var spelled: [Spelled] = []

    /// The settings of layers, later ones overriding earlier ones.
    static func merged(_ layers: [Layer], _ problems: inout [RetortError]) -> [Setting] {
        var order: [String] = []
        var byOption: [String: [Setting]] = [:]
        for entry in layers.flatMap(\.entries) {
            if byOption[entry.option] == nil { order.append(entry.option) }
            guard let separator = entry.separator, let before = byOption[entry.option] else {
                byOption[entry.option] = entry.settings
                continue
            }
            let names = Set(entry.settings.map { $0.text.prefix { $0 != separator } })
            byOption[entry.option] =
                before.filter { setting in !names.contains(setting.text.prefix { $0 != separator }) } + entry.settings
        }
        return order.flatMap { byOption[$0] ?? [] }
    }
}

/// Converts members of a mapping to settings by an option table.
struct LayerReader: Sendable {
    private let options: [String: OptionSpec]

    init(_ options: [OptionSpec]) {
        self.options = Dictionary(options.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Parameters:
    ///   - reserved: names that are not options.
    ///   - names: other names of options.
    private static func flattened(_ member: YAMLNode.Member) -> YAMLNode.Member {
        guard member.name == "until", let inner = member.value.members, inner.count == 1, inner[0].name == "accepted"
        else { return member }
        var key = member.key
        key.content = .scalar("until-accepted", isPlain: true)
        return YAMLNode.Member(key: key, value: inner[0].value)
    }

    func layer(
        _ members: [YAMLNode.Member], _ reserved: Set<String>, names: [String: String] = [:],
        _ problems: inout [RetortError]
    ) -> Layer {
        var layer = Layer()
        for member in members.map(Self.flattened) {
            let name = member.name.replacing("_", with: "-")
            // If a name is both, a text is the option's value.
            if reserved.contains(name), options[name] == nil || member.value.text == nil {
                layer.special[name] = member
                continue
            }
            guard !member.value.isNull else { continue }
            let known = names[name] ?? Self.plurals[name] ?? name
            let entry: Layer.Entry?
            if options[known] == nil, let option = Spellings.option(known), options[option] != nil {
                entry = spelled(known, option, member, &layer, &problems)
            } else {
                entry = self.entry(known, member, &problems)
            }
            guard var entry else { continue }
            guard let index = layer.entries.firstIndex(where: { $0.option == entry.option }) else {
                layer.entries.append(entry)
                continue
            }
            if entry.separator != nil, layer.entries[index].separator != nil {
                entry.settings = layer.entries[index].settings + entry.settings
                layer.entries[index] = entry
                continue
            }
            problems.append(
                RetortError(
                    .configuration, "\(entry.option) is given twice", at: member.key.place,
                    cause: "first at \(layer.entries[index].place)", remedy: "Keep one."))
        }
        return layer
    }

    /// Names of lists.
    static let plurals = ["endpoints": "base-url"]

    private func spelled(
        _ name: String, _ option: String, _ member: YAMLNode.Member, _ layer: inout Layer,
        _ problems: inout [RetortError]
    ) -> Layer.Entry? {
        guard let text = member.value.text else {
            let entry = self.entry(option, member, &problems)
            if entry != nil {
                layer.spelled.append(Layer.Spelled(name: member.name, meaning: option, file: member.key.file))
            }
            return entry
        }
        let json = String(decoding: member.value.json, as: UTF8.self)
        guard let meaning = Spellings.meaning(of: name, text, json: json) else { return nil }
        layer.spelled.append(
            Layer.Spelled(name: member.name, meaning: "\(option): \(meaning.text)", file: member.key.file))
        return Layer.Entry(
            option: option, settings: [Setting(option, meaning.text, at: member.value.place)],
            separator: option == "param" ? "=" : nil, place: member.key.place)
    }

    private func entry(
        _ name: String, _ member: YAMLNode.Member, _ problems: inout [RetortError]
    ) -> Layer.Entry? {
        let value = member.value
        // The command reports an unknown name, since it can suggest similar ones.
        guard let option = options[name] else {
            return Layer.Entry(
                option: name, settings: [Setting(name, value.text ?? "", at: member.key.place)],
                place: member.key.place)
        }
        func entry(_ texts: [(String, YAMLNode)], _ separator: Character? = nil) -> Layer.Entry {
            Layer.Entry(
                option: name, settings: texts.map { Setting(name, $0.0, at: $0.1.place) }, separator: separator,
                place: member.key.place)
        }
        let form = OptionForm(option)
        if form == .server, value.members != nil || value.elements != nil {
            return servers(of: member, name, &problems)
        }
        if let members = value.members, let separator = form.separator {
            return entry(
                members.map { one in
                    let text = form == .json ? String(decoding: one.value.json, as: UTF8.self) : one.value.text ?? ""
                    return ("\(one.name)\(form.joint)\(text)", one.value)
                }, separator)
        }
        if form == .document, value.text == nil { return entry([(String(decoding: value.json, as: UTF8.self), value)]) }
        if form == .price, let text = Self.price(value) { return entry([(text, value)]) }
        if value.text == nil, !option.kind.isList || value.scalars == nil {
            let expected = form.separator == nil ? "" : ", or a mapping"
            problems.append(
                RetortError(
                    .configuration,
                    option.kind.isList
                        ? "\(name) is a list of plain values\(expected)" : "\(name) takes one plain value\(expected)",
                    at: value.place, remedy: "Write `\(name): \(option.valueName)`."))
            return nil
        }
        return entry((value.scalars ?? []).map { ($0.text ?? "", $0) }, form.separator)
    }

    /// Servers, each an address or a mapping of `base-url` or `url` and its own settings.
    private func servers(
        of member: YAMLNode.Member, _ name: String, _ problems: inout [RetortError]
    ) -> Layer.Entry? {
        var settings: [Setting] = []
        for node in member.value.elements ?? [member.value] {
            guard let text = node.text ?? server(node, &problems) else {
                if node.members == nil {
                    problems.append(
                        RetortError(
                            .configuration, "a server is neither an address nor a mapping", at: node.place,
                            remedy:
                                "Write `- url: URL`, and below it weight, concurrency, key-variable, rps, rpm or tpm."))
                }
                return nil
            }
            settings.append(Setting(name, text, at: node.place))
        }
        return Layer.Entry(option: name, settings: settings, separator: nil, place: member.key.place)
    }

    /// A server in the option's form: its address followed by `NAME=VALUE`.
    private func server(_ node: YAMLNode, _ problems: inout [RetortError]) -> String? {
        guard let members = node.members else { return nil }
        var words: [String] = []
        var url: String?
        for member in members {
            let name = member.name.replacing("_", with: "-")
            let known = ["url": "base-url", "key": "key-variable"][name] ?? Spellings.option(name) ?? name
            guard let text = member.value.text, !text.isEmpty, !text.contains(where: \.isWhitespace),
                known == "base-url" || OptionForm.serverNames.contains(known)
            else {
                problems.append(
                    RetortError(
                        .configuration, "\(member.name) is not a setting of a server, or has no plain value",
                        at: member.key.place,
                        remedy: "A server has url, \(OptionForm.serverNames.joined(separator: ", "))."))
                return nil
            }
            if known == "base-url" { url = text } else { words.append("\(known)=\(text)") }
        }
        guard let url else {
            problems.append(
                RetortError(.configuration, "a server has no address", at: node.place, remedy: "Add `url: URL`."))
            return nil
        }
        return ([url] + words).joined(separator: " ")
    }

    /// `{input: 0.27, cached: 0.07, output: 1.1}` in the option's form.
    private static func price(_ value: YAMLNode) -> String? {
        guard let members = value.members, members.allSatisfy({ ["input", "cached", "output"].contains($0.name) }),
            let input = value["input"]?.text, let output = value["output"]?.text
        else { return nil }
        return "\(input) \(value["cached"]?.text ?? "-") \(output)"
    }
}

/// The form of an option's text, as its value's name says: how a mapping is converted.
enum OptionForm: Equatable {
    case plain
    /// JSON.
    case document
    /// `NAME=JSON`.
    case json
    /// `NAME: VALUE`.
    case header
    /// `NAME=VALUE`.
    case share
    /// Prices of a model.
    case price
    /// Servers.
    case server

    /// A server's settings other than its address.
    static let serverNames = ["key-variable", "weight", "concurrency", "rps", "rpm", "tpm"]

    init(_ option: OptionSpec) {
        self =
            switch option.valueName {
            case "JSON": .document
            case "NAME=JSON": .json
            case "'NAME: VALUE'": .header
            case "FAULT=SHARE,...": .share
            case "'IN CACHED OUT'": .price
            case "URL": option.name == "base-url" ? .server : .plain
            default: .plain
            }
    }

    /// Between the name and the value of a member; nil if there are no members.
    var separator: Character? {
        switch self {
        case .json, .share: "="
        case .header: ":"
        case .plain, .document, .price, .server: nil
        }
    }

    var joint: String { self == .header ? ": " : "=" }
}
