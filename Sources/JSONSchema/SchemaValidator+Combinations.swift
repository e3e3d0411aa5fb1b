internal import JSONText

/// `allOf`, `anyOf`, `oneOf`, `not`, `if`, `unevaluatedItems` and `unevaluatedProperties`.
extension SchemaValidator {
    func check(_ rules: CombinationRules, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        var isValid = true
        for schema in rules.all where isValid || isCollecting {
            isValid = check(schema, value, &evaluated) && isValid
        }
        if isValid || isCollecting, let any = rules.any { isValid = checkAny(any, value, &evaluated) && isValid }
        if isValid || isCollecting, let one = rules.one { isValid = checkOne(one, value, &evaluated) && isValid }
        if isValid || isCollecting, let schema = rules.not {
            var ignored = Evaluated()
            if checkSilently(schema, value, &ignored) { isValid = fail("not", "a value of another kind", value) }
        }
        if isValid || isCollecting, let condition = rules.condition {
            let holds = checkSilently(condition, value, &evaluated)
            if let schema = holds ? rules.then : rules.otherwise {
                isValid = check(schema, value, &evaluated) && isValid
            }
        }
        return isValid
    }

    private func checkAny(_ schemas: [NodeID], _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        var isValid = false
        for id in schemas {
            isValid = checkSilently(id, value, &evaluated) || isValid
            if isValid, !schema.tracksEvaluated { break }
        }
        return isValid || failAlternatives("anyOf", schemas, value)
    }

    private func checkOne(_ schemas: [NodeID], _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        var found = 0
        for id in schemas {
            var own = Evaluated()
            guard checkSilently(id, value, &own) else { continue }
            found += 1
            if found > 1 { return fail("oneOf", "a value that fits one alternative only", value) }
            evaluated.formUnion(own)
        }
        return found == 1 || failAlternatives("oneOf", schemas, value)
    }

    /// Reports the closest alternative: the one whose first failure is deepest in the value.
    private func failAlternatives(_ keyword: String, _ schemas: [NodeID], _ value: JSONValue) -> Bool {
        guard isCollecting else { return false }
        let known = failures
        var closest: [SchemaFailure] = []
        for id in schemas {
            failures = []
            _ = check(id, value)
            let depth = failures.map { $0.pointer.count { $0 == "/" } }.max() ?? 0
            if closest.isEmpty || depth > (closest.map { $0.pointer.count { $0 == "/" } }.max() ?? 0) {
                closest = failures
            }
        }
        failures = known
        if let first = closest.first, first.pointer != path.pointer {
            failures += closest
            return false
        }
        let kinds = closest.isEmpty ? "" : ", such as \(closest[0].expected)"
        return fail(keyword, "one of \(schemas.count) alternatives\(kinds)", value)
    }

    func checkUnevaluated(_ node: SchemaNode, _ value: JSONValue, _ evaluated: inout Evaluated) -> Bool {
        var isValid = true
        if let schema = node.unevaluatedProperties, value.kind == .object, !evaluated.hasAllMembers {
            value.forEachMember { key, member in
                guard !evaluated.parts.contains(member.range.lowerBound) else { return true }
                isValid = checkLeftOver(schema, member, .member(key), "unevaluatedProperties") && isValid
                return (isValid || isCollecting) && budget > 0
            }
            evaluated.insertAllMembers()
        }
        if let schema = node.unevaluatedItems, value.kind == .array, !evaluated.hasAllItems {
            var index = 0
            value.forEachElement { element in
                defer { index += 1 }
                guard !evaluated.parts.contains(element.range.lowerBound) else { return true }
                isValid = checkLeftOver(schema, element, .element(index), "unevaluatedItems") && isValid
                return (isValid || isCollecting) && budget > 0
            }
            evaluated.insertAllItems()
        }
        return isValid
    }

    private func checkLeftOver(_ id: NodeID, _ part: JSONValue, _ step: PathStep, _ keyword: String) -> Bool {
        guard schema.nodes[id].fixedResult == false, isCollecting else { return check(id, part, at: step) }
        path.append(step)
        defer { path.removeLast() }
        return fail(keyword, "nothing that no other rule covers", part)
    }
}
