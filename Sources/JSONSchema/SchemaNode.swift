internal import JSONText

/// Where a compiled schema is in the list of all nodes of a `JSONSchema`.
typealias NodeID = Int

/// One schema or subschema, compiled. Built by the compiler, then never changed.
final class SchemaNode: @unchecked Sendable {
    // Unchecked: nothing in it changes once the compiler is done.

    /// Where it is in its document: `#/properties/title`.
    let pointer: String
    /// The schema resource that it belongs to, by number.
    let resource: Int
    /// The answer of a schema that is `true` or `false`; nil for the others.
    var fixedResult: Bool?
    var reference: NodeID?
    var dynamicReference: DynamicReference?
    var values: ValueRules?
    var numbers: NumberRules?
    var strings: StringRules?
    var arrays: ArrayRules?
    var objects: ObjectRules?
    var combination: CombinationRules?
    var unevaluatedItems: NodeID?
    var unevaluatedProperties: NodeID?

    init(pointer: String, resource: Int) {
        self.pointer = pointer
        self.resource = resource
    }
}

/// `$dynamicRef`: the outermost resource on the way here that has the anchor decides.
struct DynamicReference {
    /// The anchor's name; nil where the reference is an ordinary one.
    var anchor: String?
    /// Where the reference leads without regard to the way here.
    var initial: NodeID
}

// The rules below are classes, since a node's rules are handed on for each value: one reference moves.

/// `type`, `enum` and `const`.
final class ValueRules {
    var types: TypeSet?
    var allowed: [AllowedValue]?
    /// `enum` or `const`.
    var allowedKeyword = "enum"
}

/// A value of `enum` or `const`, with its hash.
struct AllowedValue {
    var hash: UInt64
    var value: JSONValue
}

/// `minimum` and its relatives.
final class NumberRules {
    var minimum: ExactNumber?
    var maximum: ExactNumber?
    var exclusiveMinimum: ExactNumber?
    var exclusiveMaximum: ExactNumber?
    var multipleOf: ExactNumber?
    /// The numbers as the schema writes them, for messages.
    var texts: [String: String] = [:]
}

/// `minLength`, `maxLength`, `pattern` and `format`.
final class StringRules {
    var minLength: Int?
    var maxLength: Int?
    var pattern: Pattern?
    var format: Format?
}

/// Rules for arrays.
final class ArrayRules {
    var prefix: [NodeID] = []
    /// For the elements behind `prefix`.
    var rest: NodeID?
    var contains: NodeID?
    /// Whether elements that `contains` accepts count as evaluated.
    var containsEvaluates = true
    var minContains = 1
    var maxContains: Int?
    var minItems: Int?
    var maxItems: Int?
    var areUnique = false
}

/// Rules for objects.
final class ObjectRules {
    /// What is said of members by name.
    struct Name {
        var schema: NodeID?
        /// The name's position in `required`.
        var required: Int?
    }

    var names = NameTable<Name>()
    var required: [[UInt8]] = []
    var patterns: [(pattern: Pattern, schema: NodeID)] = []
    /// For members that neither `names` nor `patterns` has a schema for.
    var additional: NodeID?
    var propertyNames: NodeID?
    var minProperties: Int?
    var maxProperties: Int?
    var dependentRequired: [(name: [UInt8], needs: [[UInt8]])] = []
    var dependentSchemas: [(name: [UInt8], schema: NodeID)] = []
}

/// `allOf`, `anyOf`, `oneOf`, `not` and `if`.
final class CombinationRules {
    var all: [NodeID] = []
    var any: [NodeID]?
    var one: [NodeID]?
    var not: NodeID?
    var condition: NodeID?
    var then: NodeID?
    var otherwise: NodeID?
}

/// The types that `type` allows.
struct TypeSet: OptionSet {
    var rawValue: UInt8

    static let null = TypeSet(rawValue: 1)
    static let boolean = TypeSet(rawValue: 2)
    static let integer = TypeSet(rawValue: 4)
    static let number = TypeSet(rawValue: 8)
    static let string = TypeSet(rawValue: 16)
    static let array = TypeSet(rawValue: 32)
    static let object = TypeSet(rawValue: 64)

    private static let names: [(TypeSet, String)] = [
        (.null, "null"), (.boolean, "boolean"), (.integer, "integer"), (.number, "number"), (.string, "string"),
        (.array, "array"), (.object, "object"),
    ]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init?(named name: String) {
        guard let type = Self.names.first(where: { $0.1 == name }) else { return nil }
        self = type.0
    }

    /// "a string", "an integer or null".
    var phrase: String {
        let words = Self.names.filter { contains($0.0) }.map { set, name in
            switch set {
            case .null: name
            case .integer, .array, .object: "an \(name)"
            default: "a \(name)"
            }
        }
        return words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + words.last!
    }
}
