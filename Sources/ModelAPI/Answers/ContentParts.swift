internal import JSONText

/// The content of an answer in any form: a text, a list of parts, one part, or an object of unknown form.
struct ContentParts {
    var text = JoinedText()
    var reasoning = JoinedText()
    /// The text of the model's refusal.
    var refusal = JoinedText()
    /// Tool calls among the parts, as written.
    var calls: [ArraySlice<UInt8>] = []
    /// Parts of other kinds, and the rest of those above.
    var others: [ArraySlice<UInt8>] = []
    /// Whether one of `others` is output of the model.
    var hasOtherContent = false

    mutating func read(_ content: JSONValue?) {
        guard let content else { return }
        switch content.kind {
        case .null: break
        case .object where content.isBlank: break
        case .string: text.add(content)
        case .array:
            content.forEachElement { part in
                read(part: part)
                return true
            }
        case .object:
            if let parts = content["parts"], parts.kind == .array {
                read(parts)
            } else if content["type"]?.kind == .string || content["text"]?.kind == .string {
                read(part: content)
            } else {
                // JSON answers that a gateway has parsed out of the text.
                add(asText: content)
            }
        case .number, .boolean: add(asText: content)
        }
    }

    private mutating func add(asText value: JSONValue) {
        var written: [UInt8] = []
        JSONString.append(value.raw, to: &written)
        text.add(raw: written[...])
    }

    private mutating func read(part: JSONValue) {
        if part.kind == .string {
            text.add(part)
            return
        }
        guard part.kind == .object else {
            if part.kind != .null { keep(part.raw) }
            return
        }
        let type = part["type"]
        func isOf(_ types: JSONNames) -> Bool { type.map(types.contains) ?? false }
        if isOf(Self.callTypes) {
            calls.append(part.raw)
        } else if isOf(Self.refusalTypes), part["refusal"]?.kind == .string {
            refusal.add(part["refusal"])
        } else if isOf(Self.reasoningTypes) || part["thought"]?.bool == true {
            readReasoning(part)
        } else if text.add(part["text"]) {
            if let rest = part.leftover(without: ["text", "thought"]) { others.append(rest) }
        } else if let call = part["functionCall"], call.kind == .object {
            calls.append(call.raw)
            if let rest = part.leftover(without: ["functionCall"]) { others.append(rest) }
        } else if isOf(Self.sealedTypes) {
            others.append(part.raw)
        } else if !part.isBlank {
            keep(part.raw)
        }
    }

    private mutating func keep(_ raw: ArraySlice<UInt8>) {
        others.append(raw)
        hasOtherContent = true
    }

    /// Reasoning may be in one of several members, as a text or a list of texts; signatures and the like are kept.
    private mutating func readReasoning(_ part: JSONValue) {
        let taken = Self.reasoningPlaces.filter { place in
            guard let value = part[place] else { return false }
            return Self.addTexts(of: value, to: &reasoning)
        }
        if let rest = part.leftover(without: taken + ["thought"]) { others.append(rest) }
    }

    /// Adds a text, or the texts in a list of parts. Returns whether the value contained nothing else.
    static func addTexts(of value: JSONValue, to joined: inout JoinedText) -> Bool {
        switch value.kind {
        case .string:
            joined.add(value)
            return true
        case .array:
            var isAll = true
            value.forEachElement { element in
                if element.kind == .object, let text = element["text"] ?? element["thinking"], text.kind == .string {
                    joined.add(text)
                    isAll = isAll && element.leftover(without: ["text", "thinking"]) == nil
                } else {
                    isAll = joined.add(element) && isAll
                }
                return true
            }
            return isAll
        default: return false
        }
    }

    private static let callTypes: JSONNames = [
        "tool_use", "function_call", "custom_tool_call", "function", "tool_call",
    ]
    private static let refusalTypes: JSONNames = ["refusal"]
    /// Reasoning that only its provider can read.
    private static let sealedTypes: JSONNames = ["redacted_thinking", "reasoning.encrypted"]
    private static let reasoningTypes: JSONNames = [
        "thinking", "reasoning", "thought", "reasoning_text", "summary_text", "reasoning.text", "reasoning.summary",
    ]
    private static let reasoningPlaces: [StaticString] = [
        "thinking", "reasoning", "reasoning_content", "text", "summary", "content",
    ]
}
