public import Basics
internal import JSONText

/// OpenAI's `strict: true` accepts only a subset of JSON Schema. This finds what it rejects before any request is paid
/// for.
///
/// The rules are those that the openai package enforces and that the guide on structured outputs lists.
public enum StrictSubset {
    /// One rejected part of the schema, and what to change.
    public struct Problem: Sendable, Hashable, CustomStringConvertible {
        public var pointer: String
        public var message: String

        public var description: String { "\(pointer): \(message)" }
    }

    public static let propertiesMax = 5_000
    public static let levelsMax = 10
    public static let enumValuesMax = 1_000
    /// Maximum bytes of all names and enum values together.
    public static let nameBytesMax = 120_000

    private static let refused: [StaticString] = [
        "allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies",
        "oneOf", "patternProperties", "unevaluatedProperties", "unevaluatedItems", "propertyNames", "uniqueItems",
        "contains",
        "minContains", "maxContains",
    ]

    /// What the API would reject in a schema; empty when it accepts the schema. Throws `.badInput` when the text is not
    /// JSON.
    public static func problems(in schema: [UInt8]) throws(RetortError) -> [Problem] {
        let root: JSONValue
        do {
            root = try JSONParser().parse(schema).root
        } catch {
            throw RetortError(.badInput, "the schema is not JSON", cause: "\(error)")
        }
        var check = Check()
        if root["type"]?.string != "object" { check.add("#", "the outermost schema must be of type object") }
        if root["anyOf"] != nil {
            check.add("#/anyOf", "the outermost schema must not be an anyOf: put it into a property")
        }
        check.visit(root, "#", level: 0)
        check.checkTotals()
        return check.problems
    }

    private struct Check {
        var problems: [Problem] = []
        private var properties = 0
        private var enumValues = 0
        private var nameBytes = 0

        /// Maximum problems reported.
        private static let problemsMax = 50

        mutating func add(_ pointer: String, _ message: String) {
            if problems.count < Self.problemsMax { problems.append(Problem(pointer: pointer, message: message)) }
        }

        mutating func visit(_ schema: JSONValue, _ pointer: String, level: Int) {
            if level > StrictSubset.levelsMax {
                return add(pointer, "objects are nested deeper than \(StrictSubset.levelsMax) levels")
            }
            for keyword in StrictSubset.refused where schema[keyword] != nil {
                let advice = keyword.description == "oneOf" ? "write anyOf in its place" : "leave it out"
                add("\(pointer)/\(keyword)", "\(keyword) is not supported: \(advice)")
            }
            if let reference = schema["$ref"]?.string, !reference.hasPrefix("#") {
                add("\(pointer)/$ref", "only references within the schema are supported: move \(reference) into $defs")
            }
            visitObject(schema, pointer)
            if let values = schema["enum"]?.elements {
                enumValues += values.count
                nameBytes += values.reduce(0) { $0 + $1.raw.count }
            }
            for (inner, value) in Subschemas.of(schema) {
                let isDeeper =
                    !inner.hasPrefix("/$defs") && !inner.hasPrefix("/definitions") && !inner.hasPrefix("/anyOf")
                visit(value, pointer + inner, level: level + (isDeeper ? 1 : 0))
            }
        }

        private mutating func visitObject(_ schema: JSONValue, _ pointer: String) {
            let members = schema["properties"]?.members ?? []
            guard !members.isEmpty || schema["type"]?.string == "object" else { return }
            properties += members.count
            if schema["additionalProperties"]?.bool != false {
                add(pointer, "additionalProperties must be false")
            }
            let required = Set((schema["required"]?.elements ?? []).compactMap(\.string))
            for (key, _) in members {
                let name = key.string ?? ""
                nameBytes += name.utf8.count
                if !required.contains(name) {
                    add(pointer, "\(name) must be in required; where it may be missing, let its type be null as well")
                }
            }
        }

        mutating func checkTotals() {
            func limit(_ count: Int, _ most: Int, _ what: String) {
                if count > most { add("#", "the schema has \(count) \(what), the API takes \(most)") }
            }
            limit(properties, StrictSubset.propertiesMax, "properties")
            limit(enumValues, StrictSubset.enumValuesMax, "enum values")
            limit(nameBytes, StrictSubset.nameBytesMax, "bytes of names and enum values")
        }
    }
}
