import JSONText

/// Writes one JSON text that matches a JSON Schema (https://json-schema.org, the subset of OpenAI's structured
/// outputs): `type`, `properties`, `items`, `enum`, `const`, `anyOf`, `oneOf`, `allOf` of one, `$ref` within the
/// schema, and the bounds of numbers and arrays. Unknown keywords are ignored.
struct SchemaInstance {
    let root: JSONValue
    let words: [ArraySlice<UInt8>]

    private static let depthMax = 32
    private static let elements = 2
    private static let elementsMax = 64

    func text(_ random: inout SplitMix64) -> [UInt8] {
        var output: [UInt8] = []
        append(root, depth: 0, &random, to: &output)
        return output
    }

    private func append(_ schema: JSONValue, depth: Int, _ random: inout SplitMix64, to output: inout [UInt8]) {
        guard depth < Self.depthMax else { return output.append(text: "null") }
        if let constant = schema["const"] { return output.append(contentsOf: constant.raw) }
        if let values = schema["enum"]?.elements, !values.isEmpty {
            return output.append(contentsOf: values[random.below(values.count)].raw)
        }
        if let target = schema["$ref"]?.string.flatMap(resolve) {
            return append(target, depth: depth + 1, &random, to: &output)
        }
        for alternatives in [schema["anyOf"], schema["oneOf"], schema["allOf"]] {
            // Below half of the maximum depth the last alternative, which is usually null, ends a recursion.
            guard let elements = alternatives?.elements, let first = elements.first, let last = elements.last
            else { continue }
            return append(depth < Self.depthMax / 2 ? first : last, depth: depth + 1, &random, to: &output)
        }
        appendTyped(schema, depth: depth, &random, to: &output)
    }

    private func appendTyped(_ schema: JSONValue, depth: Int, _ random: inout SplitMix64, to output: inout [UInt8]) {
        switch type(of: schema) {
        case "object": appendObject(schema, depth: depth, &random, to: &output)
        case "array": appendArray(schema, depth: depth, &random, to: &output)
        case "integer": output.append(decimal: integer(schema, &random))
        case "number":
            output.append(decimal: integer(schema, &random))
            output.append(text: ".0")
        case "boolean": if random.below(2) == 0 { output.append(text: "true") } else { output.append(text: "false") }
        case "null": output.append(text: "null")
        default:
            var text: [UInt8] = []
            Grammar.prose.appendSentence(quoting: words, &random, to: &text)
            JSONString.append(text, to: &output)
        }
    }

    private func type(of schema: JSONValue) -> String {
        if let type = schema["type"] { return (type.firstElement ?? type).string ?? "string" }
        return schema["properties"] != nil ? "object" : schema["items"] != nil ? "array" : "string"
    }

    private func appendObject(_ schema: JSONValue, depth: Int, _ random: inout SplitMix64, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "{"))
        for (index, member) in (schema["properties"]?.members ?? []).enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            output.append(contentsOf: member.key.raw)
            output.append(UInt8(ascii: ":"))
            append(member.value, depth: depth + 1, &random, to: &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    private func appendArray(_ schema: JSONValue, depth: Int, _ random: inout SplitMix64, to output: inout [UInt8]) {
        // Deep arrays are empty if the schema allows it, so that a recursive schema ends.
        let wanted = depth < Self.depthMax / 4 ? Self.elements : 0
        let least = schema["minItems"]?.int ?? 0
        let count = min(max(wanted, least), max(schema["maxItems"]?.int ?? Self.elementsMax, least), Self.elementsMax)
        output.append(UInt8(ascii: "["))
        for index in 0..<max(count, 0) {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            if let items = schema["items"] {
                append(items, depth: depth + 1, &random, to: &output)
            } else {
                output.append(text: "null")
            }
        }
        output.append(UInt8(ascii: "]"))
    }

    private func integer(_ schema: JSONValue, _ random: inout SplitMix64) -> Int {
        let bound = 1 << 30
        func whole(_ value: JSONValue?, _ rule: FloatingPointRoundingRule, _ shift: Int = 0) -> Int? {
            guard let number = value?.double, number.magnitude <= Double(bound) else { return nil }
            let rounded = Int(number.rounded(rule))
            return shift != 0 && Double(rounded) == number ? rounded + shift : rounded
        }
        let low = whole(schema["minimum"], .up) ?? whole(schema["exclusiveMinimum"], .up, 1)
        let high = whole(schema["maximum"], .down) ?? whole(schema["exclusiveMaximum"], .down, -1)
        let least = low ?? min(0, high ?? 0)
        let most = max(high ?? least + 100, least)
        return least + random.below(most - least + 1)
    }

    /// The part of the schema that a reference, for example `#/$defs/node`, points to.
    private func resolve(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var value: JSONValue? = root
        for name in reference.dropFirst().split(separator: "/") { value = value?.member(Array(name.utf8)) }
        return value
    }
}
