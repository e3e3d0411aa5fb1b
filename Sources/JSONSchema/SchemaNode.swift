internal import JSONText

/// Index into the list of all nodes of a `JSONSchema`.
typealias NodeID = Int

/// One compiled schema or subschema. Built by the compiler, then immutable.
final class SchemaNode: @unchecked Sendable {
    // Unchecked: nothing changes after compilation.

    /// Its location in the document: `#/properties/title`.
    let pointer: String
    /// The index of its schema resource.
    let resource: Int
    /// The result of a schema that is `true` or `false`; nil for others.
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

/// `$dynamicRef`: resolved to the outermost resource on the evaluation path that has the anchor.
struct DynamicReference {
    /// The anchor's name; nil for an ordinary reference.
    var anchor: String?
    /// The node that it refers to if the evaluation path is ignored.
    var initial: NodeID
}

// The rules below are classes, because they are passed on for each value: only one reference is copied.

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

/// `minimum` and related keywords.
final class NumberRules {
    var minimum: ExactNumber?
    var maximum: ExactNumber?
    var exclusiveMinimum: ExactNumber?
    var exclusiveMaximum: ExactNumber?
    var multipleOf: ExactNumber?
    /// The numbers as written in the schema, for messages.
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
    /// For the elements after `prefix`.
    var rest: NodeID?
    var contains: NodeID?
    /// Whether elements that match `contains` count as evaluated.
    var containsEvaluates = true
    var minContains = 1
    var maxContains: Int?
    var minItems: Int?
    var maxItems: Int?
    var areUnique = false
}

/// Rules for objects.
final class ObjectRules {
    /// The rules for members with one name.
    struct Name {
        var schema: NodeID?
        /// The name's position in `required`.
        var required: Int?
    }

    var names = NameTable<Name>()
    var required: [[UInt8]] = []
    var patterns: [(pattern: Pattern, schema: NodeID)] = []
    /// For members without a schema in `names` or `patterns`.
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
