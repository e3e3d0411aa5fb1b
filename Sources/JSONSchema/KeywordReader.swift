internal import Basics
internal import JSONText

/// Reads the keywords of one schema into its node.
struct KeywordReader {
    private let place: SchemaPlace
    private let dialect: SchemaDialect

    static func read(
        _ place: SchemaPlace, into node: SchemaNode, with compiler: inout SchemaCompiler
    ) throws(RetortError) {
        let reader = KeywordReader(place: place, dialect: compiler.dialect(of: place))
        try reader.read(into: node, &compiler)
    }

    private func read(into node: SchemaNode, _ compiler: inout SchemaCompiler) throws(RetortError) {
        noteUnknown(&compiler)
        if let reference = try string("$ref", compiler) {
            let target = try compiler.target(of: reference, from: place, at: pointer("$ref"))
            node.reference = try compiler.node(target)
            // Before 2019-09 a `$ref` hides its sibling keywords.
            if dialect.draft == .draft7 { return }
        }
        if dialect.draft == .draft2020, let reference = try string("$dynamicRef", compiler) {
            node.dynamicReference = try compiler.dynamicReference(reference, from: place, at: pointer("$dynamicRef"))
        }
        node.values = try values(compiler)
        node.numbers = try numbers(compiler)
        node.strings = try strings(compiler)
        node.arrays = try arrays(&compiler)
        node.objects = try objects(&compiler)
        node.combination = try combination(&compiler)
        if dialect.draft == .draft2020 {
            node.unevaluatedItems = try schema("unevaluatedItems", &compiler)
            node.unevaluatedProperties = try schema("unevaluatedProperties", &compiler)
            if node.unevaluatedItems != nil || node.unevaluatedProperties != nil { compiler.noteUnevaluated() }
        }
    }

    // MARK: Single values

    private func values(_ compiler: SchemaCompiler) throws(RetortError) -> ValueRules? {
        guard dialect.validates else { return nil }
        let rules = ValueRules()
        var budget = SchemaValidator.stepsMax
        if let value = place.value["type"] {
            let names = value.kind == .array ? value.elements : [value]
            var types: TypeSet = []
            for name in names {
                guard let type = name.string.flatMap(TypeSet.init(named:)) else {
                    throw compiler.error("expected the name of a type, found \(name.summary)", at: pointer("type"))
                }
                types.insert(type)
            }
            rules.types = types
        }
        if let value = place.value["enum"] {
            guard value.kind == .array else {
                throw compiler.error("expected an array, found \(value.summary)", at: pointer("enum"))
            }
            rules.allowed = value.elements.map { AllowedValue(hash: ValueIdentity.hash($0, &budget), value: $0) }
        }
        if let value = place.value["const"] {
            let only = AllowedValue(hash: ValueIdentity.hash(value, &budget), value: value)
            // A `const` that the `enum` beside it lacks allows nothing.
            let isAllowed = rules.allowed?.contains { $0.hash == only.hash } ?? true
            rules.allowed = isAllowed ? [only] : []
            rules.allowedKeyword = "const"
        }
        return rules.types == nil && rules.allowed == nil ? nil : rules
    }

    private func numbers(_ compiler: SchemaCompiler) throws(RetortError) -> NumberRules? {
        guard dialect.validates else { return nil }
        let rules = NumberRules()
        rules.minimum = try number("minimum", rules, compiler)
        rules.maximum = try number("maximum", rules, compiler)
        rules.exclusiveMinimum = try number("exclusiveMinimum", rules, compiler)
        rules.exclusiveMaximum = try number("exclusiveMaximum", rules, compiler)
        rules.multipleOf = try number("multipleOf", rules, compiler)
        if let divisor = rules.multipleOf {
            guard !divisor.isNegative, !divisor.isZero, divisor.digits.count <= ExactNumber.divisorDigitsMax else {
                throw compiler.error(
                    "expected a number above 0 of at most \(ExactNumber.divisorDigitsMax) digits",
                    at: pointer("multipleOf"))
            }
        }
        return rules.texts.isEmpty ? nil : rules
    }

    private func number(
        _ keyword: String, _ rules: NumberRules, _ compiler: SchemaCompiler
    ) throws(RetortError) -> ExactNumber? {
        guard let value = place.value.member(keyword.utf8) else { return nil }
        guard value.kind == .number else {
            throw compiler.error("expected a number, found \(value.summary)", at: pointer(keyword))
        }
        rules.texts[keyword] = String(decoding: value.raw, as: UTF8.self)
        return ExactNumber(value.raw)
    }

    private func strings(_ compiler: SchemaCompiler) throws(RetortError) -> StringRules? {
        let rules = StringRules()
        if dialect.validates {
            rules.minLength = try count("minLength", compiler)
            rules.maxLength = try count("maxLength", compiler)
            if let source = try string("pattern", compiler) { rules.pattern = try pattern(source, "pattern", compiler) }
        }
        if dialect.assertsFormat, let name = try string("format", compiler) { rules.format = Format(rawValue: name) }
        let isEmpty = rules.minLength == nil && rules.maxLength == nil && rules.pattern == nil && rules.format == nil
        return isEmpty ? nil : rules
    }

    // MARK: Arrays and objects

    private func arrays(_ compiler: inout SchemaCompiler) throws(RetortError) -> ArrayRules? {
        let rules = ArrayRules()
        var isEmpty = true
        func noted<Value>(_ value: Value?) -> Value? {
            if value != nil { isEmpty = false }
            return value
        }
        if dialect.draft == .draft2020 {
            rules.prefix = noted(try schemas("prefixItems", &compiler)) ?? []
            rules.rest = noted(try schema("items", &compiler))
        } else if place.value["items"]?.kind == .array {
            rules.prefix = noted(try schemas("items", &compiler)) ?? []
            rules.rest = noted(try schema("additionalItems", &compiler))
        } else {
            rules.rest = noted(try schema("items", &compiler))
        }
        rules.contains = noted(try schema("contains", &compiler))
        rules.containsEvaluates = dialect.draft == .draft2020
        if dialect.validates {
            if dialect.draft == .draft2020 {
                rules.minContains = try count("minContains", compiler) ?? 1
                rules.maxContains = try count("maxContains", compiler)
            }
            rules.minItems = noted(try count("minItems", compiler))
            rules.maxItems = noted(try count("maxItems", compiler))
            rules.areUnique = noted(try boolean("uniqueItems", compiler)) ?? false
        }
        return isEmpty ? nil : rules
    }

    private func objects(_ compiler: inout SchemaCompiler) throws(RetortError) -> ObjectRules? {
        let rules = ObjectRules()
        for (name, value) in try members("properties", compiler) {
            let schema = try compiler.node(inner(value, "properties/\(text(name))", compiler))
            rules.names.update(name, fresh: .init()) { $0.schema = schema }
        }
        for (name, value) in try members("patternProperties", compiler) {
            let source = text(name)
            rules.patterns.append(
                (
                    try pattern(source, "patternProperties", compiler),
                    try compiler.node(inner(value, "patternProperties/\(source)", compiler))
                ))
        }
        rules.additional = try schema("additionalProperties", &compiler)
        rules.propertyNames = try schema("propertyNames", &compiler)
        try readDependencies(rules, &compiler)
        if dialect.validates {
            for name in try names(place.value["required"], "required", compiler) where !rules.required.contains(name) {
                rules.names.update(name, fresh: .init()) { $0.required = rules.required.count }
                rules.required.append(name)
            }
            rules.minProperties = try count("minProperties", compiler)
            rules.maxProperties = try count("maxProperties", compiler)
        }
        let isEmpty =
            rules.names.isEmpty && rules.patterns.isEmpty && rules.additional == nil && rules.propertyNames == nil
            && rules.minProperties == nil && rules.maxProperties == nil && rules.dependentRequired.isEmpty
            && rules.dependentSchemas.isEmpty
        return isEmpty ? nil : rules
    }

    /// `dependentRequired` and `dependentSchemas`, and draft 7's `dependencies`, which combines them. Later drafts
    /// accept it too, as the official test suite requires.
    private func readDependencies(_ rules: ObjectRules, _ compiler: inout SchemaCompiler) throws(RetortError) {
        var keywords = ["dependencies"]
        if dialect.draft == .draft2020 { keywords += ["dependentRequired", "dependentSchemas"] }
        for keyword in keywords {
            for (name, value) in try members(keyword, compiler) {
                if value.kind == .array, keyword != "dependentSchemas" {
                    guard dialect.validates else { continue }
                    rules.dependentRequired.append((name, try names(value, keyword, compiler)))
                } else {
                    rules.dependentSchemas.append(
                        (name, try compiler.node(inner(value, "\(keyword)/\(text(name))", compiler))))
                }
            }
        }
    }

    private func combination(_ compiler: inout SchemaCompiler) throws(RetortError) -> CombinationRules? {
        let rules = CombinationRules()
        rules.all = try schemas("allOf", &compiler) ?? []
        rules.any = try schemas("anyOf", &compiler)
        rules.one = try schemas("oneOf", &compiler)
        rules.not = try schema("not", &compiler)
        rules.condition = try schema("if", &compiler)
        rules.then = try schema("then", &compiler)
        rules.otherwise = try schema("else", &compiler)
        let isEmpty =
            rules.all.isEmpty && rules.any == nil && rules.one == nil && rules.not == nil && rules.condition == nil
        return isEmpty ? nil : rules
    }

    // MARK: Keywords' values

    private func pointer(_ keyword: String) -> String { "\(place.pointer)/\(keyword)" }

    private func text(_ name: [UInt8]) -> String { String(decoding: name, as: UTF8.self) }

    /// A subschema's location. If a resource begins there, the location is in that resource.
    private func inner(_ value: JSONValue, _ pointer: String, _ compiler: SchemaCompiler) -> SchemaPlace {
        var inner = place
        inner.value = value
        inner.pointer = "\(place.pointer)/\(pointer)"
        return compiler.resources.rooted(inner)
    }

    private func string(_ keyword: String, _ compiler: SchemaCompiler) throws(RetortError) -> String? {
        guard let value = place.value.member(keyword.utf8) else { return nil }
        guard let text = value.string else {
            throw compiler.error("expected a string, found \(value.summary)", at: pointer(keyword))
        }
        return text
    }

    private func boolean(_ keyword: String, _ compiler: SchemaCompiler) throws(RetortError) -> Bool? {
        guard let value = place.value.member(keyword.utf8) else { return nil }
        guard let flag = value.bool else {
            throw compiler.error("expected true or false, found \(value.summary)", at: pointer(keyword))
        }
        return flag
    }

    private func count(_ keyword: String, _ compiler: SchemaCompiler) throws(RetortError) -> Int? {
        guard let value = place.value.member(keyword.utf8) else { return nil }
        guard value.kind == .number, let count = ExactNumber(value.raw).count else {
            throw compiler.error("expected a whole number from 0, found \(value.summary)", at: pointer(keyword))
        }
        return count
    }

    private func schema(_ keyword: String, _ compiler: inout SchemaCompiler) throws(RetortError) -> NodeID? {
        guard let value = place.value.member(keyword.utf8) else { return nil }
        return try compiler.node(inner(value, keyword, compiler))
    }

    private func schemas(_ keyword: String, _ compiler: inout SchemaCompiler) throws(RetortError) -> [NodeID]? {
        guard let value = place.value.member(keyword.utf8) else { return nil }
        guard value.kind == .array else {
            throw compiler.error("expected an array of schemas, found \(value.summary)", at: pointer(keyword))
        }
        var nodes: [NodeID] = []
        for (index, element) in value.elements.enumerated() {
            nodes.append(try compiler.node(inner(element, "\(keyword)/\(index)", compiler)))
        }
        return nodes
    }

    private func members(
        _ keyword: String, _ compiler: SchemaCompiler
    ) throws(RetortError) -> [(name: [UInt8], value: JSONValue)] {
        guard let value = place.value.member(keyword.utf8) else { return [] }
        guard value.kind == .object else {
            throw compiler.error("expected an object, found \(value.summary)", at: pointer(keyword))
        }
        return value.members.map { ($0.key.stringBytes ?? [], $0.value) }
    }

    private func names(
        _ value: JSONValue?, _ keyword: String, _ compiler: SchemaCompiler
    ) throws(RetortError) -> [[UInt8]] {
        guard let value else { return [] }
        let names = value.elements.compactMap(\.stringBytes)
        guard value.kind == .array, names.count == value.elements.count else {
            throw compiler.error("expected an array of strings, found \(value.summary)", at: pointer(keyword))
        }
        return names
    }

    private func pattern(
        _ source: String, _ keyword: String, _ compiler: SchemaCompiler
    ) throws(RetortError) -> Pattern {
        do throws(RetortError) {
            return try Pattern(source)
        } catch {
            var error = error
            error.place = compiler.name + pointer(keyword)
            throw error
        }
    }

    // MARK: Unknown keywords

    private static let known: Set<String> = [
        "$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary", "$comment", "$defs",
        "definitions", "title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples", "type",
        "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "pattern", "format", "prefixItems", "items", "additionalItems", "contains", "minContains",
        "maxContains", "minItems", "maxItems", "uniqueItems", "properties", "patternProperties",
        "additionalProperties", "propertyNames", "required", "minProperties", "maxProperties", "dependencies",
        "dependentRequired", "dependentSchemas", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
        "unevaluatedItems", "unevaluatedProperties", "contentEncoding", "contentMediaType", "contentSchema",
        "discriminator",
    ]

    private func noteUnknown(_ compiler: inout SchemaCompiler) {
        for (key, _) in place.value.members {
            guard let name = key.string, !Self.known.contains(name), !name.hasPrefix("x-") else { continue }
            compiler.noteUnknown(pointer(name))
        }
    }
}
