internal import Basics

/// Stages on their own answers.
///
/// `repeat: 4` on a stage `evolve` makes four stages, `evolve.1` to `evolve.4`, each of which reads from the previous
/// one. A stage that reads from `evolve` reads from the last one, or, with `generations: all`, becomes a stage for each
/// of them.
extension JobStage {
    /// Maximum generations of a stage.
    public static let generationsMax = 32

    /// The name of a stage without a generation's number.
    public static func family(of name: String) -> String { String(name.prefix { $0 != "." }) }

    /// Whether a stage's directory can have the name.
    public static func isStoreName(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard isName(family(of: name)), parts.count <= 2 else { return false }
        guard parts.count == 2 else { return true }
        return Int(parts[1]).map { (1...generationsMax).contains($0) && "\($0)" == parts[1] } ?? false
    }

    static func readGenerations(
        _ node: YAMLNode, _ stage: inout JobStage, _ refuse: Refusal
    ) -> Bool {
        if let node = node["repeat"] {
            guard let count = node.text.flatMap({ Int($0) }), (2...generationsMax).contains(count) else {
                refuse(
                    "repeat is not a number from 2 to \(generationsMax)", node.place,
                    "It says how many generations the stage runs, each on the answers of the one before.")
                return false
            }
            stage.generations = count
        }
        guard let node = node["generations"] else { return true }
        guard let word = node.text, word == "all" || word == "last" else {
            refuse("generations is neither all nor last", node.place, "Write `generations: all`, or leave it out.")
            return false
        }
        stage.readsAllGenerations = word == "all"
        return true
    }

    typealias Found = (stage: JobStage, options: [YAMLNode.Member])

    /// The stages with each generation as a separate one.
    static func inGenerations(_ found: [Found], _ problems: inout [RetortError]) -> [Found] {
        var made: [Found] = []
        var names: [String: [String]] = [:]
        for (stage, options) in found {
            func refuse(_ message: String, _ remedy: String) {
                problems.append(RetortError(.configuration, message, at: stage.place, remedy: remedy))
            }
            let sources = stage.from.flatMap { names[$0] } ?? []
            if let repeated = stage.join.first(where: { names[$0].map { $0.count > 1 } ?? false }) {
                refuse("\(repeated) has generations, and \(stage.name) joins it", "Read from it, or join other stages.")
            }
            if stage.generations > 1, stage.verdictOf != nil || stage.readsAllGenerations {
                refuse(
                    "\(stage.name) has generations, and judges or reads all generations of another stage",
                    "Leave repeat out, or make two stages of it.")
            }
            if stage.readsAllGenerations, sources.count < 2 {
                refuse("\(stage.name) reads all generations of a stage that has one", "Leave generations out.")
            }
            var group: [Found] = []
            if stage.generations > 1 {
                for number in 1...stage.generations {
                    var one = (stage: stage, options: number == 1 ? options : options.filter { !isOfFirst($0.name) })
                    one.stage.name = "\(stage.name).\(number)"
                    one.stage.from = number == 1 ? sources.last : group.last?.stage.name
                    one.stage.generation = number == 1 ? nil : number
                    group.append(one)
                }
            } else if stage.readsAllGenerations {
                for (number, source) in sources.enumerated() {
                    var one = (stage: stage, options: options)
                    one.stage.name = "\(stage.name).\(number + 1)"
                    one.stage.from = source
                    if stage.verdictOf != nil { one.stage.verdictOf = source }
                    group.append(one)
                }
            } else {
                var one = (stage: stage, options: options)
                if stage.join.isEmpty { one.stage.from = sources.last }
                if stage.verdictOf != nil, stage.join.isEmpty { one.stage.verdictOf = sources.last }
                group.append(one)
            }
            names[stage.name] = group.map(\.stage.name)
            made += group
        }
        guard made.count <= stagesMax else {
            problems.append(
                RetortError(
                    .configuration, "with their generations there are \(made.count) stages",
                    at: found.first?.stage.place,
                    remedy: "There may be \(stagesMax)."))
            return found
        }
        return made
    }

    /// Options of the first generation only: the rows of the others are its answers.
    private static func isOfFirst(_ name: String) -> Bool {
        ["when", "where", "input", "samples"].contains(name) || optionsOfFiles.contains(name)
    }
}
