internal import JSONText

/// Reads OpenAI's chat and completions answers, in all variants of compatible servers.
enum ChatReader {
    /// - Parameter choices: the root's list of choices, one of which at least is an object.
    static func read(_ root: JSONValue, _ choices: JSONValue, _ body: [UInt8]) -> ParsedBody {
        var others: [ArraySlice<UInt8>] = []
        let choice = answer(among: choices, others: &others)
        if let error = choice["error"].flatMap(ErrorBody.init(member:)) { return .error(error) }
        if let error = root["error"].flatMap(ErrorBody.init(member:)) { return .error(error) }
        var draft = AnswerDraft()
        draft.read(reason: choice["finish_reason"])
        if draft.reason.isEmpty { draft.read(reason: choice["native_finish_reason"]) }
        draft.other.add("choices", list: others, isContent: false)
        if let message = choice["message"] ?? choice["delta"], message.kind != .null {
            message.kind == .object ? read(message: message, &draft) : draft.parts.read(message)
            draft.other.addMembers(of: choice, except: choiceMembers)
        } else {
            read(message: choice, &draft)
        }
        draft.read(model: root["model"])
        draft.read(usage: usage(of: root))
        draft.read(tier: root["service_tier"])
        draft.other.addMembers(of: root, except: envelope)
        return draft.judged(body)
    }

    private static func usage(of root: JSONValue) -> JSONValue? {
        let usage = root["usage"]
        return usage?.kind == .object ? usage : root["x_groq"]?["usage"]
    }

    /// The bill of the answer.
    static func bill(of root: JSONValue) -> Bill {
        var draft = AnswerDraft()
        draft.read(usage: usage(of: root))
        return Bill(usage: draft.usage, costStatedNanodollars: draft.costStated)
    }

    /// The choice with index 0, or the first one if none has it.
    private static func answer(among choices: JSONValue, others: inout [ArraySlice<UInt8>]) -> JSONValue {
        var found: JSONValue?
        var first: JSONValue?
        choices.forEachElement { choice in
            guard choice.kind == .object else { return true }
            first = first ?? choice
            if choice["index"]?.int ?? 0 == 0 { found = choice }
            return found == nil
        }
        let chosen = found ?? first ?? choices
        choices.forEachElement { choice in
            if choice.range != chosen.range, choice.kind != .null { others.append(choice.raw) }
            return true
        }
        return chosen
    }

    /// Reads a message, or a choice without one, in one pass over its members.
    static func read(message: JSONValue, _ draft: inout AnswerDraft) {
        var reasonings: [(place: StaticString, value: JSONValue)] = []
        var details: JSONValue?
        var hasContent = false
        message.forEachMember { key, value in
            if value.kind == .null || skipped.contains(key) { return true }
            if key.isText("content") || key.isText("text") && !hasContent {
                hasContent = true
                draft.parts.read(value)
            } else if key.isText("tool_calls") {
                draft.read(calls: value)
            } else if key.isText("refusal"), value.kind == .string {
                draft.parts.refusal.add(value)
            } else if key.isText("reasoning_details") {
                details = value
            } else if let place = reasoningPlaces.first(of: key) {
                reasonings.append((place, value))
            } else {
                draft.other.add(key, value, isContent: contentPlaces.contains(key))
            }
            return true
        }
        if !reasonings.isEmpty { read(reasonings, &draft) }
        if let details, !details.isBlank { read(details: details, &draft) }
    }

    /// Takes the first member with reasoning; another one with a different text is kept as another part.
    private static func read(_ reasonings: [(place: StaticString, value: JSONValue)], _ draft: inout AnswerDraft) {
        for (place, value) in reasonings where !value.isBlank {
            var text = JoinedText()
            let isAll = ContentParts.addTexts(of: value, to: &text) || readNested(value, &text)
            let isFirst = draft.parts.reasoning.isEmpty
            if isFirst { draft.parts.reasoning = text }
            if !isAll || !isFirst && text.raw != draft.parts.reasoning.raw { draft.other.add(place, value.raw) }
        }
    }

    /// OpenRouter's list of typed pieces, which may be signed or encrypted.
    private static func read(details: JSONValue, _ draft: inout AnswerDraft) {
        var text = JoinedText()
        var isPlain = details.kind == .array
        details.forEachElement { detail in
            let isText = text.add(detail["text"]) || text.add(detail["summary"])
            isPlain = isPlain && isText && detail.leftover(without: ["text", "summary"]) == nil
            return true
        }
        if draft.parts.reasoning.isEmpty { draft.parts.reasoning = text }
        // Signatures and encrypted reasoning only make sense at their place in the list.
        if !isPlain || text.raw != draft.parts.reasoning.raw { draft.other.add("reasoning_details", details.raw) }
    }

    private static func readNested(_ value: JSONValue, _ text: inout JoinedText) -> Bool {
        guard value.kind == .object else { return false }
        for place in ["content", "text", "summary", "thinking"] as [StaticString] {
            guard let inner = value[place], ContentParts.addTexts(of: inner, to: &text) else { continue }
            return value.leftover(without: [place]) == nil
        }
        return false
    }

    static let reasoningPlaces: JSONNames = [
        "reasoning_content", "reasoning", "thinking", "think", "reasoning_text", "thoughts",
    ]
    /// Members with output of the model other than text.
    private static let contentPlaces: JSONNames = ["function_call", "audio", "images", "image", "video", "files"]
    /// Members that are read elsewhere or that say nothing about the answer.
    private static let skipped: JSONNames = ["role", "index", "finish_reason", "error", "message", "delta"]
    private static let choiceMembers: JSONNames = ["index", "message", "delta", "finish_reason", "error"]
    /// Members about the exchange, or with fields of their own.
    static let envelope: JSONNames = [
        "choices", "id", "object", "created", "model", "usage", "system_fingerprint", "service_tier", "error", "x_groq",
    ]
}
