internal import JSONText

/// Rules for single values: types, constants, numbers and strings.
extension SchemaValidator {
    func check(_ rules: ValueRules, _ value: JSONValue) -> Bool {
        if let types = rules.types, !types.contains(type(of: value)), !isWholeNumber(value, types) {
            return fail("type", types.phrase, value)
        }
        guard let allowed = rules.allowed else { return true }
        let hash = ValueIdentity.hash(value, &budget)
        if allowed.contains(where: { $0.hash == hash && ValueIdentity.areEqual($0.value, value, &budget) }) {
            return true
        }
        return fail(rules.allowedKeyword, Self.phrase(allowed), value)
    }

    private func type(of value: JSONValue) -> TypeSet {
        switch value.kind {
        case .null: .null
        case .boolean: .boolean
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    private func isWholeNumber(_ value: JSONValue, _ types: TypeSet) -> Bool {
        types.contains(.integer) && value.kind == .number && (value.int != nil || ExactNumber(value.raw).isInteger)
    }

    /// Maximum allowed values listed in a message.
    private static let valuesShownMax = 8

    private static func phrase(_ allowed: [AllowedValue]) -> String {
        let shown = allowed.prefix(valuesShownMax).map { String(decoding: $0.value.raw.prefix(60), as: UTF8.self) }
        if allowed.count == 1 { return shown[0] }
        return "one of " + shown.joined(separator: ", ") + (allowed.count > shown.count ? ", ..." : "")
    }

    func check(_ rules: NumberRules, _ value: JSONValue) -> Bool {
        let number = ExactNumber(value.raw)
        var isValid = true
        func bound(_ keyword: String, _ words: String, _ holds: Bool) {
            if !holds { isValid = fail(keyword, words + " " + (rules.texts[keyword] ?? ""), value) }
        }
        if let least = rules.minimum { bound("minimum", "at least", number >= least) }
        if let most = rules.maximum { bound("maximum", "at most", number <= most) }
        if let below = rules.exclusiveMinimum { bound("exclusiveMinimum", "more than", number > below) }
        if let above = rules.exclusiveMaximum { bound("exclusiveMaximum", "less than", number < above) }
        if let divisor = rules.multipleOf { bound("multipleOf", "a multiple of", number.isMultiple(of: divisor)) }
        return isValid
    }

    func check(_ rules: StringRules, _ value: JSONValue) -> Bool {
        var isValid = true
        if rules.minLength != nil || rules.maxLength != nil {
            let length = Self.characters(of: value)
            if let least = rules.minLength, length < least {
                isValid = fail("minLength", "at least \(Self.count(least, "character"))", value)
            }
            if let most = rules.maxLength, length > most {
                isValid = fail("maxLength", "at most \(Self.count(most, "character"))", value)
            }
        }
        if isValid || isCollecting, let pattern = rules.pattern, !matches(pattern, ValueIdentity.content(of: value)) {
            isValid = fail("pattern", "a text that matches \(pattern.source)", value)
        }
        if isValid || isCollecting, let format = rules.format,
            !format.accepts(String(decoding: ValueIdentity.content(of: value), as: UTF8.self))
        {
            isValid = fail("format", "the format \(format.rawValue)", value)
        }
        return isValid
    }

    func matches(_ pattern: Pattern, _ text: ArraySlice<UInt8>) -> Bool {
        budget -= 1 + text.count / 64
        switch matching.match(pattern, text) {
        case .some(let matches): return matches
        case .none:
            excess = "the pattern \(pattern.source) takes too long"
            return false
        }
    }

    /// The number of code points: JSON Schema's definition of characters.
    private static func characters(of value: JSONValue) -> Int {
        ValueIdentity.content(of: value).count { $0 & 0xC0 != 0x80 }
    }

    static func count(_ count: Int, _ noun: String) -> String {
        count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }
}
