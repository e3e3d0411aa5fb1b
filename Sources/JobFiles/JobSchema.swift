public import CommandLine
internal import JSONText

/// JSON Schemas of the two files, generated from the option table, for completion and checking in editors.
public struct JobSchema: Sendable {
    private let options: [OptionSpec]

    /// - Parameter options: those of `run`.
    public init(_ options: [OptionSpec]) { self.options = options.filter { !$0.isHidden } }

    /// For job files, with a line feed at the end.
    public var job: String {
        var special: [(String, Value)] =
            [
                ("input", .object([("description", .text("the prompts: files, directories, patterns")), texts])),
                (
                    "prompt",
                    .object([
                        ("description", .text("a template: {{field}}, and @system, @user lines for turns")),
                        ("type", .text("string")),
                    ])
                ),
            ] + matrix
        let until = Value.object([
            ("description", .text("when the run has enough: `accepted: N` answers")), ("type", .text("object")),
            (
                "properties",
                .object([("accepted", .object([("type", .text("integer")), ("minimum", .word("1"))]))])
            ), ("required", .list([.text("accepted")])), ("additionalProperties", .word("false")),
        ])
        special.append(("until", until))
        let section = special + optionProperties + [("stages", stages)]
        let jobs = Value.object([
            ("description", .text("jobs of their own, chosen by --job; the rest of the file holds for all")),
            ("type", .text("object")),
            ("additionalProperties", .object([("$ref", .text("#/$defs/job"))])),
        ])
        return schema(
            "A job of retort run",
            [
                ("type", .text("object")), ("properties", .object(section + [("jobs", jobs)])),
                ("additionalProperties", .word("false")),
                (
                    "$defs",
                    .object([
                        (
                            "job",
                            .object([
                                ("type", .text("object")), ("properties", .object(section)),
                                ("additionalProperties", .word("false")),
                            ])
                        ), ("stage", stage(special)),
                    ])
                ),
            ])
    }

    private var stages: Value {
        .object([
            ("description", .text("runs that feed each other, all at once; the rest of the file holds for all")),
            ("type", .text("array")), ("items", .object([("$ref", .text("#/$defs/stage"))])),
        ])
    }

    private func stage(_ special: [(String, Value)]) -> Value {
        let own: [(String, Value)] = [
            ("name", .object([("description", .text("the stage's store is OUT/NAME")), ("type", .text("string"))])),
            (
                "from",
                .object([
                    ("description", .text("the stage whose records are the rows")), ("type", .text("string")),
                ])
            ),
            (
                "when",
                .object([
                    ("description", .text("the condition on these records: `draft.rejected`, `finish == 'length'`")),
                    ("type", .text("string")),
                ])
            ),
            (
                "join",
                .object([
                    (
                        "description",
                        .text("stages whose records of one id make a row; the first one's fields are the row's own")
                    ), ("type", .text("array")), ("items", .object([("type", .text("string"))])),
                    ("minItems", .word("2")),
                ])
            ),
            (
                "repeat",
                .object([
                    ("description", .text("generations that the stage runs, each on the answers of the one before")),
                    ("type", .text("integer")), ("minimum", .word("2")),
                    ("maximum", .word(String(JobStage.generationsMax))),
                ])
            ),
            (
                "generations",
                .object([
                    ("description", .text("which generations of a repeated stage are read")),
                    ("enum", .list([.text("last"), .text("all")])),
                ])
            ),
            (
                "verdict-of",
                .object([
                    ("description", .text("the stage whose answers are judged: {score, pass, feedback} are verdicts")),
                    ("type", .text("string")),
                ])
            ),
            (
                "pass-at",
                .object([
                    ("description", .text("the score from which a judged answer passes")), ("type", .text("number")),
                ])
            ),
        ]
        let stage: [(String, Value)] = [
            ("type", .text("object")), ("properties", .object(own + special + optionProperties)),
            ("required", .list([.text("name")])), ("additionalProperties", .word("false")),
        ]
        return .object(stage)
    }

    private var matrix: [(String, Value)] {
        let rules = Value.object([
            ("type", .list([.text("object"), .text("array")])),
            ("description", .text("conditions: lists of values by the names of the matrix")),
        ])
        let count = Value.object([("type", .text("integer")), ("minimum", .word("1"))])
        return [
            (
                "matrix",
                .object([
                    ("description", .text("lists of values; a row for each combination, in place of an input")),
                    ("type", .text("object")),
                    ("additionalProperties", .object([("type", .list([.text("array"), .text("object")]))])),
                ])
            ), ("per-combination", count), ("exclude", rules), ("where", rules),
            ("sample", .object([("type", .list([.text("integer"), .text("object")]))])),
        ]
    }

    /// For model files, with a line feed at the end.
    public var models: String {
        func mapping(_ names: [(String, Value)]) -> [(String, Value)] {
            [
                ("type", .text("object")), ("properties", .object(names + optionProperties)),
                ("additionalProperties", .word("false")),
            ]
        }
        let key = Value.object([
            ("description", .text("the variable of the environment that holds the key")), ("type", .text("string")),
        ])
        let model = Value.object([
            (
                "anyOf",
                .list([.object([("type", .text("string"))]), .object([("type", .text("null"))]), .object(mapping([]))])
            )
        ])
        return schema(
            "The models that a job of retort run can name",
            [
                ("type", .text("object")),
                (
                    "properties",
                    .object([
                        ("api", .object(mapping([("key", key)]))),
                        ("models", .object([("type", .text("object")), ("additionalProperties", model)])),
                        ("default", .object([("type", .text("string"))])),
                    ])
                ), ("additionalProperties", .word("false")),
            ])
    }

    private func schema(_ title: String, _ members: [(String, Value)]) -> String {
        let head: [(String, Value)] = [
            ("$schema", .text("https://json-schema.org/draft/2020-12/schema")), ("title", .text(title)),
        ]
        return Value.object(head + members).written(0) + "\n"
    }

    private var optionProperties: [(String, Value)] {
        let plurals = LayerReader.plurals.compactMap { plural, name in
            options.first { $0.name == name }.map { (plural, property($0)) }
        }
        return (options.map { option in (option.name, property(option)) } + plurals).sorted { $0.0 < $1.0 }
    }

    private var texts: (String, Value) {
        let text = Value.object([("type", .text("string"))])
        return ("anyOf", .list([text, .object([("type", .text("array")), ("items", text)])]))
    }

    private func property(_ option: OptionSpec) -> Value {
        var members: [(String, Value)] = [("description", .text(option.summary))]
        if let text = option.defaultText { members.append(("default", .text(text))) }
        let element = Self.type(of: option.kind.element)
        switch OptionForm(option) {
        case .plain:
            if option.kind.isList {
                let list = Value.object([("type", .text("array")), ("items", .object(element))])
                members.append(("anyOf", .list([.object(element), list])))
            } else {
                members += element
            }
        case .document: members.append(("type", .list([.text("string"), .text("object")])))
        case .price: members.append(("type", .list([.text("string"), .text("object")])))
        case .json, .header, .share, .server:
            members.append(("type", .list([.text("string"), .text("array"), .text("object")])))
        }
        return .object(members)
    }

    private static func type(of kind: ValueKind) -> [(String, Value)] {
        switch kind {
        case .flag: [("type", .text("boolean"))]
        case .string: [("type", .list([.text("string"), .text("number"), .text("boolean")]))]
        case .path: [("type", .text("string"))]
        case .choice(let words): [("enum", .list(words.map(Value.text)))]
        case .integer(let range):
            [
                ("type", .text("integer")), ("minimum", .word(String(range.lowerBound))),
                ("maximum", .word(String(range.upperBound))),
            ]
        case .number(let range):
            [
                ("type", .text("number")), ("minimum", .word(range.lowerBound.description)),
                ("maximum", .word(range.upperBound.description)),
            ]
        case .size: [("type", .list([.text("string"), .text("integer")]))]
        case .duration: [("type", .list([.text("string"), .text("integer")]))]
        case .either(let words, or: let other):
            [("anyOf", .list([.object([("enum", .list(words.map(Value.text)))]), .object(type(of: other))]))]
        case .count(let range, or: let other):
            [("anyOf", .list([.object(type(of: .integer(range))), .object(type(of: other))]))]
        case .list(let element), .repeated(let element): type(of: element)
        }
    }

    /// JSON for indented output.
    private indirect enum Value {
        case text(String)
        /// Unchanged.
        case word(String)
        case list([Value])
        case object([(String, Value)])

        func written(_ depth: Int) -> String {
            let indent = String(repeating: "  ", count: depth + 1)
            let end = String(repeating: "  ", count: depth)
            switch self {
            case .word(let word): return word
            case .text(let text):
                var bytes: [UInt8] = []
                JSONString.append(text, to: &bytes)
                return String(decoding: bytes, as: UTF8.self)
            case .list(let values): return "[" + values.map { $0.written(depth) }.joined(separator: ", ") + "]"
            case .object(let members):
                let lines = members.map { "\(indent)\(Value.text($0.0).written(0)): \($0.1.written(depth + 1))" }
                return lines.isEmpty ? "{}" : "{\n" + lines.joined(separator: ",\n") + "\n\(end)}"
            }
        }
    }
}
