internal import JSONText

/// What a reader of one API's answers has found, before it is classified.
struct AnswerDraft {
    var parts = ContentParts()
    /// The lists of tool calls, as written; calls among the parts are separate.
    var callLists: [ArraySlice<UInt8>] = []
    /// Why the answer ended, in the provider's words.
    var reason = ""
    /// Further information about a refusal: a category, an explanation.
    var refusalNote = ""
    var modelRaw = ModelAnswer.emptyString
    var usage = TokenUsage()
    var costStated: Int?
    var other = OtherParts()

    mutating func read(model: JSONValue?) {
        if let model, model.kind == .string { modelRaw = model.raw }
    }

    mutating func read(usage value: JSONValue?) {
        usage = TokenUsage(reading: value)
        costStated = value?["cost"]?.double.flatMap(TokenPrice.nanodollars(stated:))
    }

    /// The tier in which it was billed. Call it after `read(usage:)`.
    mutating func read(tier value: JSONValue?) { usage.isFlex = value?.isText("flex") ?? false }

    mutating func read(reason value: JSONValue?) {
        // SGLang's own form is an object: {"type":"abort","message":...}.
        let place = value?.kind == .object ? value?["type"] ?? value?["reason"] : value
        guard let word = place?.string(prefixBytesMax: FinishReason.wordBytesMax), !word.isEmpty else { return }
        reason = word
    }

    /// A list of calls, or one call in place of a list.
    mutating func read(calls value: JSONValue?) {
        guard let value else { return }
        switch value.kind {
        case .array where value.firstElement != nil: callLists.append(value.raw)
        case .object where !value.isBlank: parts.calls.append(value.raw)
        default: break
        }
    }

    private var callsRaw: ArraySlice<UInt8>? {
        if parts.calls.isEmpty, callLists.count <= 1 { return callLists.first }
        let all = callLists.map { $0.dropFirst().dropLast() } + parts.calls
        return ([0x5B] + all.joined(separator: [0x2C]) + [0x5D])[...]
    }

    /// The classified result.
    func judged(_ body: [UInt8]) -> ParsedBody {
        let meaning = FinishReason(reason)
        if meaning == .filtered || !JSONString.isBlank(parts.refusal.raw) { return .filtered(refusal) }
        switch meaning {
        case .aborted: return .sick("the server broke the answer off (finish_reason \(Excerpt.oneLine(reason)))")
        case .malformed: return .unknown("the answer is malformed (finish_reason \(Excerpt.oneLine(reason)))")
        case .end(let word): return ended(word, body)
        case .filtered: return .filtered(refusal)
        }
    }

    private func ended(_ word: String, _ body: [UInt8]) -> ParsedBody {
        let calls = callsRaw
        var other = other
        other.add("content", list: parts.others, isContent: parts.hasOtherContent)
        // A model that had no tokens left for an answer has said what it could.
        if parts.text.isMissing, parts.reasoning.isEmpty, calls == nil, !other.hasContent, word != FinishReason.length {
            return .sick("the answer has no content: \(Excerpt.text(body))")
        }
        return .answer(
            ModelAnswer(
                body: body, responseRaw: parts.text.raw, reasoningRaw: parts.reasoning.raw, toolCallsRaw: calls,
                finishReason: word, modelRaw: modelRaw, usage: usage, costStatedNanodollars: costStated,
                otherRaw: other.object, hasOtherContent: other.hasContent))
    }

    private var refusal: String {
        let notes = [
            FinishReason(reason) == .filtered && reason != FinishReason.contentFilter ? reason : "", refusalNote,
        ]
        var message = "the answer was withheld by a content filter"
        let known = notes.filter { !$0.isEmpty }.map(Excerpt.oneLine)
        if !known.isEmpty { message += " (\(known.joined(separator: ", ")))" }
        let words = JSONString.unescape(parts.refusal.raw.dropFirst().dropLast().prefix(Excerpt.bytesScannedMax))
        let text = Excerpt.text(words)
        return text.isEmpty ? message : "\(message): \(text)"
    }
}
