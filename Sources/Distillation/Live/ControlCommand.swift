package import Basics
import Dataset
import JSONText
import ModelAPI
package import ResponseGenerator

/// A command to a running run.
package enum ControlCommand: Sendable, Hashable {
    case pause
    case resume
    /// No new requests; those in flight may finish.
    case drain
    /// Requests in flight are given up.
    case stop
    case set([Setting])
    /// Sends a failed item again now.
    case requeue(id: String)
    /// Pauses or resumes the items of a model.
    case hold(model: String)
    case release(model: String)
    /// Explains what limits the run's rate.
    case explain

    package struct Setting: Sendable, Hashable {
        package enum Name: String, Sendable, CaseIterable {
            case concurrency
            case rps
            case rpm
            case tpm
            case maxCost = "max-cost"
        }

        package var name: Name
        /// Nil: no limit.
        package var value: Double?
    }

    package static let plain: [String: ControlCommand] = [
        "pause": .pause, "resume": .resume, "drain": .drain, "stop": .stop, "explain": .explain,
    ]
    /// Requests the process id of a run. For programs.
    package static let identify = Array(#"{"command":"identify"}"#.utf8)
    package static let words = [
        "pause", "resume", "drain", "stop", "set NAME=VALUE ...", "requeue ID", "hold MODEL", "release MODEL",
        "explain",
    ]
    /// Maximum bytes of an id or a model's name.
    private static let nameBytesMax = 1024

    /// The JSON member that names the object of a command; nil for commands without one.
    private static func subject(of word: String) -> String? {
        switch word {
        case "requeue": "id"
        case "hold", "release": "model"
        default: nil
        }
    }

    private static func about(_ word: String, _ name: String) -> ControlCommand? {
        switch word {
        case "requeue": .requeue(id: name)
        case "hold": .hold(model: name)
        case "release": .release(model: name)
        default: nil
        }
    }

    /// - Parameter words: as typed: `set concurrency=512 rpm=600`.
    package init(_ words: [String]) throws(RetortError) {
        guard let first = words.first else { throw Self.unknown("") }
        if first == "set" {
            self = .set(try words.dropFirst().map { word throws(RetortError) in try Setting(word) })
            guard words.count > 1 else { throw Setting.malformed("") }
            return
        }
        if let subject = Self.subject(of: first) {
            guard words.count == 2, let command = Self.about(first, words[1]), !words[1].isEmpty,
                words[1].utf8.count <= Self.nameBytesMax
            else {
                throw RetortError(
                    .usage, "\(first) takes one \(subject)", at: words.count > 2 ? RunRecord.cut(words[2]) : nil,
                    remedy: "Write \(first) \(subject.uppercased()), quoted where it holds spaces.")
            }
            self = command
            return
        }
        guard let command = Self.plain[first] else { throw Self.unknown(first) }
        guard words.count == 1 else {
            throw RetortError(.usage, "\(first) takes no operands", at: words[1], remedy: "Leave it out.")
        }
        self = command
    }

    /// - Parameter json: `{"command": "set", "set": {"rpm": 600}}`; values may be strings.
    package init(json: [UInt8]) throws(RetortError) {
        guard let root = try? JSONParser().parse(json).root, let word = root["command"]?.string else {
            throw RetortError(
                .badInput, "not a command",
                remedy: #"Send one JSON object with a command, such as {"command":"pause"}."#)
        }
        if let subject = Self.subject(of: word) {
            let name = root.members.first { $0.key.string == subject }?.value.string
            self = try ControlCommand([word] + (name.map { [$0] } ?? []))
            return
        }
        guard word == "set" else {
            self = try ControlCommand([word])
            return
        }
        var words = [word]
        for (key, value) in (root["set"]?.members ?? []).prefix(Setting.Name.allCases.count + 1) {
            let text = value.string ?? value.double.map { $0.description } ?? "?"
            words.append("\(key.string ?? "?")=\(text)")
        }
        self = try ControlCommand(words)
    }

    private static func unknown(_ word: String) -> RetortError {
        RetortError(
            .usage, word.isEmpty ? "a command is missing" : "no such command: \(RunRecord.cut(word))",
            remedy: "Commands are \(words.joined(separator: ", ")).")
    }

    /// The JSON that is sent to the run.
    package var json: [UInt8] { json(of: nil) }

    /// The JSON that is sent to a pipeline.
    /// - Parameter stage: the stage that the command is for; nil: all stages.
    package func json(of stage: String?) -> [UInt8] {
        JSONTree.object(members + (stage.map { [JSONTree.Member("stage", .text($0))] } ?? [])).line
    }

    private var members: [JSONTree.Member] {
        typealias Member = JSONTree.Member
        func command(_ word: String, _ more: Member...) -> [Member] { [Member("command", .text(word))] + more }
        switch self {
        case .set(let settings):
            let values = settings.map { setting in
                Member(setting.name.rawValue, setting.value.map { .real($0) } ?? .text(Setting.none))
            }
            return command("set", Member("set", .object(values)))
        case .requeue(let id): return command("requeue", Member("id", .text(id)))
        case .hold(let model): return command("hold", Member("model", .text(model)))
        case .release(let model): return command("release", Member("model", .text(model)))
        default: return command(Self.plain.first { $0.value == self }?.key ?? "")
        }
    }
}

extension ControlCommand.Setting {
    /// The word for no limit, in place of a number.
    package static let none = "off"
    private static let bound = 1e12

    /// `NAME=VALUE`
    package init(_ word: String) throws(RetortError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let name = Name(rawValue: parts[0]) else { throw Self.malformed(word) }
        self.name = name
        if parts[1] == Self.none, name != .concurrency, name != .maxCost { return }
        let text = parts[1].hasPrefix("$") ? String(parts[1].dropFirst()) : parts[1]
        guard let value = Double(text), value.isFinite, value >= 0, value <= Self.bound else {
            throw Self.malformed(word)
        }
        let isFitting =
            switch name {
            case .concurrency:
                (1...Double(GeneratorConfiguration.concurrencyMax)).contains(value) && value == value.rounded()
            case .rps, .rpm, .tpm: value > 0
            case .maxCost: value <= Money.dollars(Int.max / 2)
            }
        guard isFitting else { throw Self.malformed(word) }
        self.value = value
    }

    package static func malformed(_ word: String) -> RetortError {
        RetortError(
            .usage, "not a setting that can be changed", at: RunRecord.cut(word),
            remedy: "Settings are concurrency=512 (1 to \(GeneratorConfiguration.concurrencyMax)), rps=10, rpm=600, "
                + "tpm=100000 (or off), max-cost=20.")
    }

    /// The settings in the engine's form.
    package var steering: Steering {
        switch name {
        case .concurrency: .concurrency(value.flatMap { Int(exactly: $0) } ?? 1)
        case .rps: .requestsPerSecond(value)
        case .rpm: .requestsPerMinute(value)
        case .tpm: .tokensPerMinute(value)
        case .maxCost: .budget(nanodollars: Money.nanodollars(value ?? 0))
        }
    }

    package var text: String {
        guard let value else { return "\(name.rawValue) off" }
        return "\(name.rawValue) " + (value == value.rounded() && value < 1e15 ? String(Int(value)) : value.description)
    }
}
