public import Basics
internal import CommandLine
internal import JSONText
public import PromptSource

/// Reads a job file's matrix: `matrix:`, `per-combination:`, `exclude:`, `where:` and `sample:`.
public struct MatrixReader {
    /// The names in a job file.
    public static let names: Set<String> = ["matrix", "per-combination", "exclude", "where", "sample"]

    /// Maximum rows of one combination.
    static let copiesMax = 1_000_000
    static let drawsMax = 1_000_000_000_000
    /// Maximum conditions of `exclude:` or `where:`.
    static let rulesMax = 1000

    private let members: [String: YAMLNode.Member]
    private let file: (String) throws(RetortError) -> String
    private var problems: [RetortError] = []
    private var axes: [Matrix.Axis] = []
    /// For each axis the numbers of its values.
    private var numbers: [[[UInt8]: Int]] = []

    /// The matrix; nil if there is none, or if it is invalid, which is added to `problems`.
    ///
    /// - Parameter file: returns the text of a file of lines.
    public static func read(
        _ members: [String: YAMLNode.Member], problems: inout [RetortError],
        file: @escaping (String) throws(RetortError) -> String
    ) -> Matrix? {
        guard let matrix = members["matrix"] else {
            for name in names.sorted() {
                guard let member = members[name] else { continue }
                problems.append(
                    RetortError(
                        .configuration, "\(name) belongs to a matrix, but there is none", at: member.key.place,
                        remedy: "Add `matrix: {NAME: [VALUES]}`, or leave \(name) out."))
            }
            return nil
        }
        var reader = MatrixReader(members: members, file: file)
        let made = reader.matrix(matrix)
        problems += reader.problems
        return reader.problems.isEmpty ? made : nil
    }

    private init(members: [String: YAMLNode.Member], file: @escaping (String) throws(RetortError) -> String) {
        self.members = members
        self.file = file
    }

    private mutating func wrong(_ message: String, _ node: YAMLNode, cause: String? = nil, _ remedy: String? = nil) {
        problems.append(RetortError(.configuration, message, at: node.place, cause: cause, remedy: remedy))
    }

    private mutating func matrix(_ member: YAMLNode.Member) -> Matrix? {
        guard let lists = member.value.members, !lists.isEmpty, lists.count <= Matrix.axesMax else {
            wrong(
                "matrix is not a mapping of 1 to \(Matrix.axesMax) names to lists", member.value,
                "Write `matrix: {level: [3, 4], topic: {lines: topics.txt}}`.")
            return nil
        }
        for list in lists { readAxis(list) }
        let copies = number("per-combination", 1...Self.copiesMax) ?? 1
        let (draws, seed) = sample()
        guard problems.isEmpty else { return nil }
        let (excluded, wanted) = (rules("exclude"), rules("where"))
        if draws == nil, let axis = axes.first(where: { $0.weights != nil }) {
            wrong(
                "the values of \(axis.name) have weights, and nothing is drawn", member.key,
                "Add `sample: N` to draw N combinations, or leave the weights out.")
        }
        guard problems.isEmpty else { return nil }
        do throws(RetortError) {
            let made = try Matrix(
                axes, excluding: excluded, only: wanted, copies: copies, draws: draws, seed: seed)
            guard try made.hasRows() else {
                wrong("no combination is left", (members["exclude"] ?? members["where"] ?? member).key)
                return nil
            }
            return made
        } catch {
            wrong(error.message, member.key, error.remedy)
            return nil
        }
    }

    // MARK: Lists

    private mutating func readAxis(_ member: YAMLNode.Member) {
        let name = member.name
        guard !name.isEmpty, !Matrix.ownFields.contains(name) else {
            wrong(
                "a list cannot be called '\(name)'", member.key,
                "Rows of a matrix have fields of their own: \(Matrix.ownFields.sorted().joined(separator: ", ")).")
            return
        }
        var values: [(json: [UInt8], place: String, weight: Double?)] = []
        if let elements = member.value.elements {
            for element in elements { values.append(weighted(element)) }
        } else if let path = member.value["lines"], member.value.members?.count == 1 {
            guard let lines = lines(path) else { return }
            values = lines
        } else if let range = member.value["range"], member.value.members?.count == 1 {
            guard let numbers = self.range(range) else { return }
            values = numbers
        } else if let weights = member.value["weights"]?.members, member.value.members?.count == 1 {
            for entry in weights { values.append((entry.key.json, entry.key.place, weight(entry.value))) }
        } else {
            wrong(
                "\(name) is not a list", member.value,
                "Write `[a, b]`, `{lines: FILE}`, `{range: [1, 10]}`, or `{weights: {a: 3, b: 1}}` with `sample: N`.")
            return
        }
        take(values, member)
    }

    private mutating func take(_ values: [(json: [UInt8], place: String, weight: Double?)], _ member: YAMLNode.Member) {
        guard !values.isEmpty, values.count <= Matrix.valuesMax else {
            let isEmpty = values.isEmpty
            wrong(isEmpty ? "\(member.name) has no values" : "\(member.name) has too many values", member.value)
            return
        }
        var seen: [[UInt8]: Int] = [:]
        for (index, value) in values.enumerated() {
            guard let other = seen.updateValue(index, forKey: value.json) else { continue }
            problems.append(
                RetortError(
                    .configuration, "\(member.name) has \(Self.shown(value.json)) twice", at: value.place,
                    cause: "first at \(values[other].place)", remedy: "Keep one."))
            return
        }
        let isWeighted = values.contains { $0.weight != nil }
        let weights = isWeighted ? values.map { $0.weight ?? 1 } : nil
        if let weights, !(weights.reduce(0, +) > 0) {
            wrong("the weights of \(member.name) are all 0", member.value)
            return
        }
        axes.append(Matrix.Axis(name: member.name, values: values.map(\.json), weights: weights))
        numbers.append(seen)
    }

    /// An element of a list: a value, or `{value: X, weight: N}`.
    private mutating func weighted(_ element: YAMLNode) -> (json: [UInt8], place: String, weight: Double?) {
        if let value = element["value"], let weight = element["weight"], element.members?.count == 2 {
            return (value.json, element.place, self.weight(weight))
        }
        return (element.json, element.place, nil)
    }

    private mutating func weight(_ node: YAMLNode) -> Double {
        guard let weight = node.text.flatMap({ Double($0) }), weight.isFinite, (0...1e12).contains(weight) else {
            wrong("a weight is a number from 0 on", node)
            return 1
        }
        return weight
    }

    private mutating func lines(_ path: YAMLNode) -> [(json: [UInt8], place: String, weight: Double?)]? {
        guard let name = path.text, !name.isEmpty else {
            wrong("lines names a file", path, "Write `{lines: topics.txt}`.")
            return nil
        }
        let text: String
        do throws(RetortError) {
            text = try file(name)
        } catch {
            var error = error
            if error.code == .inputMissing { error.message = "no such file of lines" }
            error.cause = "named at \(path.place)"
            problems.append(error)
            return nil
        }
        var values: [(json: [UInt8], place: String, weight: Double?)] = []
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            var line = line.drop { $0 == " " || $0 == "\t" || $0 == "\u{FEFF}" }
            while let last = line.last, last == " " || last == "\t" { line.removeLast() }
            guard !line.isEmpty else { continue }
            var json: [UInt8] = []
            JSONString.append(String(line), to: &json)
            values.append((json, "\(name):\(index + 1)", nil))
        }
        return values
    }

    private mutating func range(_ node: YAMLNode) -> [(json: [UInt8], place: String, weight: Double?)]? {
        let ends = node.elements?.compactMap { $0.text.flatMap { Int($0) } } ?? []
        guard ends.count == 2, node.elements?.count == 2, ends[0] <= ends[1],
            ends[1].subtractingReportingOverflow(ends[0]).overflow == false, ends[1] - ends[0] < Matrix.valuesMax
        else {
            wrong("a range is its first and its last integer", node, "Write `{range: [1, 10]}`.")
            return nil
        }
        return (ends[0]...ends[1]).map { (Array(String($0).utf8), node.place, nil) }
    }

    // MARK: Numbers

    private mutating func number(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let member = members[name], !member.value.isNull else { return nil }
        return integer(member.value, name, range)
    }

    private mutating func integer(_ node: YAMLNode, _ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let number = node.text.flatMap({ Int($0.replacing("_", with: "")) }), range.contains(number) else {
            wrong("\(name) is an integer from \(range.lowerBound) to \(range.upperBound)", node)
            return nil
        }
        return number
    }

    /// `sample: N`, or `sample: {rows: N, seed: S}`.
    private mutating func sample() -> (draws: Int?, seed: Int) {
        guard let member = members["sample"], !member.value.isNull else { return (nil, 1) }
        guard let parts = member.value.members else {
            return (integer(member.value, "sample", 1...Self.drawsMax), 1)
        }
        var (draws, seed): (Int?, Int) = (nil, 1)
        for part in parts {
            switch part.name {
            case "rows": draws = integer(part.value, "rows", 1...Self.drawsMax)
            case "seed": seed = integer(part.value, "seed", 0...Int.max) ?? 1
            default: wrong("a sample has no '\(part.name)'", part.key, "It has `rows: N` and `seed: N`.")
            }
        }
        if draws == nil, problems.isEmpty { wrong("a sample has `rows: N`", member.value) }
        return (draws, seed)
    }

    // MARK: Conditions

    private mutating func rules(_ name: String) -> [Matrix.Rule] {
        guard let member = members[name], !member.value.isNull else { return [] }
        let elements = member.value.elements ?? [member.value]
        guard elements.count <= Self.rulesMax else {
            wrong("\(name) has more than \(Self.rulesMax) conditions", member.value)
            return []
        }
        return elements.compactMap { element in
            guard let parts = element.members, !parts.isEmpty else {
                wrong(
                    "a condition is a mapping of names to values", element,
                    "Write `\(name): [{level: 3, language: [ja, ko]}]`.")
                return nil
            }
            var rule = Matrix.Rule(matches: [:])
            for part in parts {
                guard let axis = axes.firstIndex(where: { $0.name == part.name }) else {
                    let near = Suggestion.nearest(to: part.name, among: axes.map(\.name))
                    wrong(
                        "the matrix has no list '\(part.name)'", part.key,
                        near.map { "Did you mean \($0)?" } ?? "It has \(axes.map(\.name).joined(separator: ", ")).")
                    continue
                }
                let values = part.value.elements ?? [part.value]
                rule.matches[axis] = Set(values.compactMap { number(of: $0, axis) })
            }
            return rule
        }
    }

    private mutating func number(of value: YAMLNode, _ axis: Int) -> Int? {
        let json = value.json
        if let number = numbers[axis][json] { return number }
        // Lines of a file are texts; so is what looks like a number in a condition on them.
        var text: [UInt8] = []
        JSONString.append(value.text ?? "", to: &text)
        if value.text != nil, let number = numbers[axis][text] { return number }
        wrong("\(axes[axis].name) has no value \(Self.shown(json))", value)
        return nil
    }

    private static func shown(_ json: [UInt8]) -> String {
        let text = String(decoding: json.prefix(60), as: UTF8.self)
        return text.hasPrefix("\"") ? "'" + text.dropFirst().prefix { $0 != "\"" } + "'" : text
    }
}
