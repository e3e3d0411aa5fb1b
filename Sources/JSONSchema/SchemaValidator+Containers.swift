internal import JSONText

/// Rules for arrays and objects.
extension SchemaValidator {
    func check(_ rules: ArrayRules, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        var isValid = true
        var (count, contained) = (0, 0)
        value.forEachElement { element in
            budget -= 1
            let isWanted = checkElement(rules, element, at: count, &evaluated, &contained)
            isValid = isWanted && isValid
            count += 1
            return (isValid || isCollecting) && budget > 0
        }
        guard isValid || isCollecting else { return false }
        if rules.rest != nil { evaluated.insertAllItems() }
        if let least = rules.minItems, count < least {
            isValid = fail("minItems", "at least \(Self.count(least, "item"))", value)
        }
        if let most = rules.maxItems, count > most {
            isValid = fail("maxItems", "at most \(Self.count(most, "item"))", value)
        }
        if rules.contains != nil {
            if contained < rules.minContains {
                isValid = fail("contains", "at least \(Self.count(rules.minContains, "item")) of a certain kind", value)
            }
            if let most = rules.maxContains, contained > most {
                isValid = fail("maxContains", "at most \(Self.count(most, "item")) of a certain kind", value)
            }
        }
        if isValid || isCollecting, rules.areUnique, hasTwins(value) {
            isValid = fail("uniqueItems", "items that all differ", value)
        }
        return isValid
    }

    private func checkElement(
        _ rules: ArrayRules, _ element: JSONValue, at index: Int, _ evaluated: inout Evaluated, _ contained: inout Int
    ) -> Bool {
        var isValid = true
        if let schema = index < rules.prefix.count ? rules.prefix[index] : rules.rest {
            isValid = check(schema, element, at: .element(index))
            if self.schema.tracksEvaluated { evaluated.insert(element.range.lowerBound) }
        }
        if let contains = rules.contains {
            var ignored = Evaluated()
            if checkSilently(contains, element, &ignored) {
                contained += 1
                if schema.tracksEvaluated, rules.containsEvaluates { evaluated.insert(element.range.lowerBound) }
            }
        }
        return isValid
    }

    private func hasTwins(_ value: JSONValue) -> Bool {
        var known: [UInt64: [JSONValue]] = [:]
        var found = false
        value.forEachElement { element in
            let hash = ValueIdentity.hash(element, &budget)
            let alike = known[hash] ?? []
            found = alike.contains { ValueIdentity.areEqual($0, element, &budget) }
            known[hash] = alike + [element]
            return !found && budget > 0
        }
        return found
    }

    func check(_ rules: ObjectRules, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        var isValid = true
        var count = 0
        var present = Presence(rules.required.count)
        var hint = 0
        value.forEachMember { key, member in
            budget -= 1
            count += 1
            isValid = checkMember(rules, key, member, &evaluated, &present, &hint) && isValid
            return (isValid || isCollecting) && budget > 0
        }
        guard isValid || isCollecting else { return false }
        if rules.additional != nil { evaluated.insertAllMembers() }
        for index in present.missing {
            let name = String(decoding: rules.required[index], as: UTF8.self)
            isValid = fail("required", "the property \(name)", value)
            if !isCollecting { return false }
        }
        if let least = rules.minProperties, count < least {
            isValid = fail("minProperties", "at least \(least) properties", value)
        }
        if let most = rules.maxProperties, count > most {
            isValid = fail("maxProperties", "at most \(most) properties", value)
        }
        return checkDependencies(rules, value, &evaluated) && isValid
    }

    private func checkMember(
        _ rules: ObjectRules, _ key: JSONValue, _ member: JSONValue, _ evaluated: inout Evaluated,
        _ present: inout Presence, _ hint: inout Int
    ) -> Bool {
        var isValid = true
        var isKnown = false
        let name = ValueIdentity.content(of: key)
        if let rule = rules.names.find(name, hint: &hint) {
            if let required = rule.required { present.insert(required) }
            if let schema = rule.schema {
                isKnown = true
                isValid = check(schema, member, at: .member(key))
            }
        }
        for (pattern, schema) in rules.patterns where matches(pattern, name) {
            isKnown = true
            isValid = check(schema, member, at: .member(key)) && isValid
        }
        if !isKnown, let additional = rules.additional {
            isKnown = true
            isValid = checkAdditional(additional, key, member) && isValid
        }
        if isKnown, schema.tracksEvaluated { evaluated.insert(member.range.lowerBound) }
        if let names = rules.propertyNames { isValid = check(names, key, at: .member(key)) && isValid }
        return isValid
    }

    private func checkAdditional(_ id: NodeID, _ key: JSONValue, _ member: JSONValue) -> Bool {
        if schema.nodes[id].fixedResult == false {
            return isCollecting
                ? fail("additionalProperties", "no property \(key.string ?? "")", member) : false
        }
        return check(id, member, at: .member(key))
    }

    private func checkDependencies(_ rules: ObjectRules, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        var isValid = true
        for (name, needs) in rules.dependentRequired where value.member(name) != nil {
            for need in needs where value.member(need) == nil {
                let (one, other) = (String(decoding: need, as: UTF8.self), String(decoding: name, as: UTF8.self))
                isValid = fail("dependentRequired", "the property \(one) beside \(other)", value)
            }
        }
        for (name, schema) in rules.dependentSchemas where value.member(name) != nil {
            isValid = check(schema, value, &evaluated) && isValid
        }
        return isValid
    }
}

/// Which required members are present.
private struct Presence {
    private let count: Int
    private var few: UInt64 = 0
    private var many: [Bool] = []

    init(_ count: Int) {
        self.count = count
        if count > 64 { many = Array(repeating: false, count: count) }
    }

    mutating func insert(_ index: Int) {
        if many.isEmpty { few |= 1 << UInt64(index) } else { many[index] = true }
    }

    var missing: some Sequence<Int> {
        let (few, many) = (few, many)
        return (0..<count).lazy.filter { many.isEmpty ? few & (1 << UInt64($0)) == 0 : !many[$0] }
    }
}
