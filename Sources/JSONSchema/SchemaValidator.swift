public import Basics
internal import CPCRE2
public import JSONText

/// Checks values against one schema. Its buffers are reused from value to value. Not thread-safe: one validator a thread.
public final class SchemaValidator {
    let schema: JSONSchema
    /// Whether failures are described, which a first look does without.
    @exclusivity(unchecked) var isCollecting = false
    var failures: [SchemaFailure] = []
    var path: [PathStep] = []
    /// The schema resources on the way to here, the outermost first.
    private var scope: [Int] = []
    @exclusivity(unchecked) private var depth = 0
    /// What may still be looked at in this value.
    @exclusivity(unchecked) var budget = 0
    /// What ended the check before its end, if anything.
    @exclusivity(unchecked) var excess: String?
    let matching: PatternMatching

    /// Values and subschemas that are looked at for one value. A schema that explodes ends here.
    public static let stepsMax = 4_000_000
    /// Schemas within schemas that are followed for one value.
    public static let depthMax = 600
    /// Failures that are described for one value.
    public static let failuresMax = 10

    public init(_ schema: JSONSchema) {
        self.schema = schema
        matching = PatternMatching()
    }

    /// Where `value` does not fit; empty when it does. At most `failuresMax` places are told.
    ///
    /// Throws `.badInput` when the schema takes more than `stepsMax` steps or `depthMax` levels on this value.
    public func failures(of value: JSONValue) throws(RetortError) -> [SchemaFailure] {
        if try isValid(value) { return [] }
        isCollecting = true
        defer { isCollecting = false }
        _ = try isValid(value)
        let found = failures
        failures = []
        path = []
        return found.isEmpty
            ? [SchemaFailure(pointer: "", keyword: "", expected: "a value that fits the schema", found: value.summary)]
            : Array(found.prefix(Self.failuresMax))
    }

    /// Whether `value` fits. Throws as `failures(of:)` does.
    public func isValid(_ value: JSONValue) throws(RetortError) -> Bool {
        scope = []
        depth = 0
        budget = Self.stepsMax
        excess = nil
        failures = []
        path = []
        var evaluated = Evaluated()
        let result = check(schema.root, value, &evaluated)
        if budget <= 0, excess == nil { excess = "it takes more than \(Self.stepsMax) steps" }
        if let excess {
            throw RetortError(
                .badInput, "the schema cannot be checked on this value", cause: excess,
                remedy: "Simplify the schema: avoid references that lead back to themselves and nested patterns.")
        }
        return result
    }

    /// Whether the node accepts the value; what it has looked at goes to `evaluated`, if it does.
    func check(_ id: NodeID, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        let node = schema.nodes[id]
        budget -= 1
        if budget <= 0 || excess != nil { return false }
        if let result = node.fixedResult {
            return result || fail("false", "nothing here", value)
        }
        guard depth < Self.depthMax else {
            excess = "schemas are nested deeper than \(Self.depthMax) levels"
            return false
        }
        depth += 1
        let isNewScope = schema.isDynamic && scope.last != node.resource
        if isNewScope { scope.append(node.resource) }
        defer {
            depth -= 1
            if isNewScope { scope.removeLast() }
        }
        return apply(node, value, &evaluated)
    }

    /// The same where nobody asks what was looked at.
    func check(_ id: NodeID, _ value: JSONValue) -> Bool {
        var evaluated = Evaluated()
        return check(id, value, &evaluated)
    }

    private func apply(_ node: SchemaNode, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        var own = Evaluated()
        var isValid = node.values.map { check($0, value) } ?? true
        if isValid || isCollecting {
            isValid = applyToKind(node, value, &own) && isValid
        }
        if isValid || isCollecting, let reference = node.reference {
            isValid = check(reference, value, &own) && isValid
        }
        if isValid || isCollecting, let reference = node.dynamicReference {
            isValid = check(target(of: reference), value, &own) && isValid
        }
        if isValid || isCollecting, let combination = node.combination {
            isValid = check(combination, value, &own) && isValid
        }
        if isValid { isValid = checkUnevaluated(node, value, &own) }
        if isValid, schema.tracksEvaluated { evaluated.formUnion(own) }
        return isValid
    }

    private func applyToKind(_ node: SchemaNode, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        switch value.kind {
        case .number: node.numbers.map { check($0, value) } ?? true
        case .string: node.strings.map { check($0, value) } ?? true
        case .array: node.arrays.map { check($0, value, &evaluated) } ?? true
        case .object: node.objects.map { check($0, value, &evaluated) } ?? true
        case .null, .boolean: true
        }
    }

    private func target(of reference: DynamicReference) -> NodeID {
        guard let anchor = reference.anchor else { return reference.initial }
        for resource in scope {
            if let node = schema.dynamicAnchors[resource][anchor] { return node }
        }
        return reference.initial
    }

    /// Notes a failure where failures are collected. Always false.
    func fail(_ keyword: String, _ expected: @autoclosure () -> String, _ value: JSONValue) -> Bool {
        guard isCollecting, failures.count < Self.failuresMax else { return false }
        failures.append(
            SchemaFailure(pointer: path.pointer, keyword: keyword, expected: expected(), found: value.summary))
        return false
    }

    /// Checks a part of the value, one step further down.
    func check(_ id: NodeID, _ part: JSONValue, at step: @autoclosure () -> PathStep) -> Bool {
        if !isCollecting { return check(id, part) }
        path.append(step())
        defer { path.removeLast() }
        return check(id, part)
    }

    /// Checks without telling of failures, as `not`, `if` and `contains` do.
    func checkSilently(_ id: NodeID, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        let wasCollecting = isCollecting
        isCollecting = false
        defer { isCollecting = wasCollecting }
        return check(id, value, &evaluated)
    }
}
