internal import Basics
internal import CommandLine

/// A stage of a job: its members other than options.
public struct JobStage: Sendable, Hashable {
    public var name: String
    /// The stage whose records are its rows; nil: its input is files. Of several, the one that is begun last.
    public var from: String?
    /// The stages whose records are joined into rows, in the order of the job's stages; empty: at most one.
    public var join: [String] = []
    /// Of several, the one whose fields are the row's own.
    public var lead: String?
    /// The stage that its answers are verdicts on.
    public var verdictOf: String?
    /// The score from which a verdict passes.
    public var passAt: Double?
    /// For a stage on its own answers, the generation, from the second on: its rows are answers of the previous
    /// generation.
    public var generation: Int?
    /// `file:line:column`.
    public var place: String
    /// The number of generations on its own answers, and whether it reads from all generations of its source.
    var generations = 1
    var readsAllGenerations = false

    /// Members of a stage that are not options of a run.
    static let reserved: Set<String> = [
        "name", "from", "join", "verdict-of", "verdict_of", "pass-at", "pass_at", "repeat",
        "generations",
    ]
    /// Other names of options in a stage.
    static let names = ["when": "where"]
    /// Options that apply to all stages.
    private static let optionsOfAll: Set<String> = ["out", "max-cost", "simulate", "job"]

    /// Options for file inputs.
    static let optionsOfFiles: Set<String> = ["input", "format", "limit", "skip"]

    /// Maximum stages of a job.
    public static let stagesMax = 64
    /// Maximum characters of a stage's name, which is a directory.
    public static let nameCharactersMax = 64

    /// Whether the text is a valid stage name: ASCII letters, digits, `-` and `_`, beginning with a letter.
    public static func isName(_ name: String) -> Bool {
        (1...nameCharactersMax).contains(name.utf8.count) && name.first?.isLetter == true
            && name.utf8.allSatisfy {
                (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == 0x5F || $0 == 0x2D
            }
    }

    /// The stages of a list, each with its other members.
    static func read(
        _ list: YAMLNode.Member, _ problems: inout [RetortError]
    ) -> [(stage: JobStage, options: [YAMLNode.Member])] {
        guard let elements = list.value.elements, !elements.isEmpty, elements.count <= stagesMax else {
            problems.append(
                RetortError(
                    .configuration, "stages is not a list of 1 to \(stagesMax) stages", at: list.value.place,
                    remedy: "Write `stages:`, and under it `- name: draft` with the stage's options below."))
            return []
        }
        var found: [(stage: JobStage, options: [YAMLNode.Member])] = []
        for element in elements {
            if let one = stage(element, after: found.map(\.stage), &problems) { found.append(one) }
        }
        return inGenerations(found, &problems)
    }

    private static func stage(
        _ node: YAMLNode, after before: [JobStage], _ problems: inout [RetortError]
    ) -> (stage: JobStage, options: [YAMLNode.Member])? {
        func refuse(_ message: String, _ place: String, _ remedy: String) {
            problems.append(RetortError(.configuration, message, at: place, remedy: remedy))
        }
        guard let members = node.members, let name = node["name"] else {
            refuse("a stage has no name", node.place, "Write `- name: draft` with the stage's options below.")
            return nil
        }
        guard let text = name.text, isName(text) else {
            refuse(
                "'\(name.text ?? "")' cannot be a stage's name", name.place,
                "A name is a directory: letters, digits, - and _, up to \(nameCharactersMax) of them, a letter first.")
            return nil
        }
        if let other = before.first(where: { $0.name == text }) {
            refuse("there are two stages \(text)", name.place, "The other one is at \(other.place); rename one.")
            return nil
        }
        var stage = JobStage(name: text, place: name.place)
        guard readJudge(node, &stage, after: before, refuse), readGenerations(node, &stage, refuse) else { return nil }
        var from: String? = stage.verdictOf
        if let node = node["join"] {
            guard readJoin(node, members, &stage, after: before, refuse) else { return nil }
            from = stage.from
        } else if let node = node["from"] {
            from = node.text
            guard let from, before.contains(where: { $0.name == from }) else {
                let names = before.map(\.name)
                let near = Suggestion.nearest(to: node.text ?? "", among: names).map { "Did you mean \($0)? " } ?? ""
                refuse(
                    "there is no stage '\(node.text ?? "")' before \(text)", node.place,
                    near
                        + (names.isEmpty
                            ? "The first stage has an input of files."
                            : "Before it are \(names.joined(separator: ", ")).")
                )
                return nil
            }
        } else if !before.isEmpty, node["input"] == nil, from == nil {
            refuse(
                "the stage \(text) says neither from nor input", node.place,
                "Write `from: \(before.last?.name ?? "")` for the answers of that stage.")
            return nil
        }
        for member in members where optionsOfAll.contains(member.name.replacing("_", with: "-")) {
            refuse(
                "\(member.name) holds for all stages", member.key.place,
                member.name == "out" ? "Each stage's store is OUT/NAME; give `out:` at the top." : "Give it at the top."
            )
        }
        for member in members where from != nil && optionsOfFiles.contains(member.name) {
            refuse(
                "\(member.name) is a matter of files, and the rows of \(text) are records of \(from ?? "")",
                member.key.place, "Leave it out, or choose records with `when:`.")
        }
        if node["when"] != nil, let other = members.first(where: { $0.name == "where" }) {
            refuse("the stage has when and where, which are one option", other.key.place, "Keep one.")
        }
        let options = members.filter { !optionsOfAll.contains($0.name.replacing("_", with: "-")) }
        stage.from = from
        return (stage, options)
    }

    typealias Refusal = (_ message: String, _ place: String, _ remedy: String) -> Void

    /// `join: [draft, judge]`
    private static func readJoin(
        _ node: YAMLNode, _ members: [YAMLNode.Member], _ stage: inout JobStage, after before: [JobStage],
        _ refuse: Refusal
    ) -> Bool {
        let names = (node.elements ?? []).map { $0.text ?? "" }
        guard names.count >= 2, Set(names).count == names.count else {
            refuse(
                "join is not a list of two stages or more", node.place,
                "Write `join: [draft, judge]`; the fields of the first one's records are the row's own.")
            return false
        }
        if let unknown = names.first(where: { name in !before.contains { $0.name == name } }) {
            refuse(
                "there is no stage '\(unknown)' before \(stage.name)", node.place,
                "Before it are \(before.map(\.name).joined(separator: ", ")).")
            return false
        }
        if let other = members.first(where: { $0.name == "from" }), other.value.text != names[0] {
            refuse("the stage has join and from", other.key.place, "Keep join, which names all sources.")
            return false
        }
        stage.join = before.map(\.name).filter(names.contains)
        stage.lead = names[0]
        stage.from = stage.join.last
        if let judged = stage.verdictOf, judged != stage.lead {
            refuse(
                "the stage judges \(judged), and its rows are of \(names[0])", node.place,
                "Name the judged stage first in `join`.")
            return false
        }
        return true
    }

    /// `verdict-of: draft`, `pass-at: 7`
    private static func readJudge(
        _ node: YAMLNode, _ stage: inout JobStage, after before: [JobStage], _ refuse: Refusal
    ) -> Bool {
        if let node = node["pass-at"] ?? node["pass_at"] {
            guard let number = node.text.flatMap(Double.init), number.isFinite else {
                refuse("pass-at is not a number", node.place, "Write the score from which an answer passes.")
                return false
            }
            stage.passAt = number
        }
        guard let judged = node["verdict-of"] ?? node["verdict_of"] else {
            guard let node = node["pass-at"] ?? node["pass_at"] else { return true }
            refuse("pass-at is of a judge", node.place, "Give `verdict-of:` as well, or leave it out.")
            return false
        }
        guard let name = judged.text, before.contains(where: { $0.name == name }) else {
            refuse(
                "there is no stage '\(judged.text ?? "")' before \(stage.name)", judged.place,
                "verdict-of names the stage whose answers are judged.")
            return false
        }
        if let from = node["from"], from.text != name {
            refuse(
                "the stage judges \(name), and its rows are of \(from.text ?? "")", from.place,
                "Leave from out: the rows of a judge are what it judges.")
            return false
        }
        stage.verdictOf = name
        return true
    }
}
