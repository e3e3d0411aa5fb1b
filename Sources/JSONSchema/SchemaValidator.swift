public import Basics
internal import CPCRE2
public import JSONText

/// Checks values against one schema. Its buffers are reused from value to value. Not thread-safe: use one validator per
/// thread.
public final class SchemaValidator {
    let schema: JSONSchema
    /// Whether failures are described. The first pass does not describe them.
    @exclusivity(unchecked) var isCollecting = false
    var failures: [SchemaFailure] = []
    var path: [PathStep] = []
    /// The schema resources on the evaluation path, outermost first.
    private var scope: [Int] = []
    @exclusivity(unchecked) private var depth = 0
    /// The steps left for this value.
    @exclusivity(unchecked) var budget = 0
    /// The limit that stopped the check, if any.
    @exclusivity(unchecked) var excess: String?
    let matching: PatternMatching

    /// Maximum evaluation steps (values times subschemas) per value. It bounds schemas with exponential cost.
    public static let stepsMax = 4_000_000
    /// Maximum nesting of schemas per value.
    public static let depthMax = 600
    /// Maximum failures described per value.
    public static let failuresMax = 10

    public init(_ schema: JSONSchema) {
        self.schema = schema
        matching = PatternMatching()
    }

    /// The locations where `value` does not match, maximum `failuresMax`; empty when it matches.
    ///
    /// Throws `.badInput` when the schema needs more than `stepsMax` steps or `depthMax` levels for this value.
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

    /// Whether `value` matches. Throws as `failures(of:)` does.
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

    /// Whether the node accepts the value. If so, the parts it evaluated are added to `evaluated`.
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

    /// Whether the node accepts the value, when the evaluated parts do not matter.
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

    /// Records a failure if failures are collected. Always returns false.
    func fail(_ keyword: String, _ expected: @autoclosure () -> String, _ value: JSONValue) -> Bool {
        guard isCollecting, failures.count < Self.failuresMax else { return false }
        failures.append(
            SchemaFailure(pointer: path.pointer, keyword: keyword, expected: expected(), found: value.summary))
        return false
    }

    /// Checks a part of the value, one step deeper.
    func check(_ id: NodeID, _ part: JSONValue, at step: @autoclosure () -> PathStep) -> Bool {
        if !isCollecting { return check(id, part) }
        path.append(step())
        defer { path.removeLast() }
        return check(id, part)
    }

    /// Checks without recording failures, as `not`, `if` and `contains` do.
    func checkSilently(_ id: NodeID, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        let wasCollecting = isCollecting
        isCollecting = false
        defer { isCollecting = wasCollecting }
        return check(id, value, &evaluated)
    }
}
