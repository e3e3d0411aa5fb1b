internal import JSONText

/// Reads Google's own answers (`generateContent`).
enum GeminiReader {
    static func read(_ root: JSONValue, _ body: [UInt8]) -> ParsedBody {
        var draft = AnswerDraft()
        draft.read(model: root["modelVersion"])
        draft.read(usage: root["usageMetadata"])
        guard let candidates = root["candidates"], let candidate = candidates.firstElement else {
            guard let reason = root["promptFeedback"]?["blockReason"], reason.kind == .string else {
                return .sick("the answer has no candidates: \(Excerpt.text(body))")
            }
            draft.reason = FinishReason.contentFilter
            draft.refusalNote = reason.string(prefixBytesMax: FinishReason.wordBytesMax) ?? ""
            return draft.judged(body)
        }
        var others: [ArraySlice<UInt8>] = []
        candidates.forEachElement { other in
            if other.range != candidate.range { others.append(other.raw) }
            return true
        }
        draft.other.add("candidates", list: others, isContent: false)
        draft.parts.read(candidate["content"])
        draft.read(reason: candidate["finishReason"])
        draft.refusalNote = candidate["finishMessage"]?.string(prefixBytesMax: Excerpt.bytesScannedMax) ?? ""
        if FinishReason(draft.reason) == .end("stop"), !draft.parts.calls.isEmpty { draft.reason = "tool_calls" }
        draft.other.addMembers(of: candidate, except: candidateMembers)
        draft.other.addMembers(of: root, except: envelope)
        return draft.judged(body)
    }

    private static let candidateMembers: JSONNames = ["content", "finishReason", "index"]
    private static let envelope: JSONNames = [
        "candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "error",
    ]
}

/// Reads answers with the text at the top level: Ollama's own (`message`, `response`), llama.cpp's (`content`), those
/// of text generation servers (`generated_text`), and similar ones.
enum BareReader {
    /// Nil if the object is of another kind.
    static func read(_ root: JSONValue, _ body: [UInt8]) -> ParsedBody? {
        var draft = AnswerDraft()
        if let message = root["message"], message.kind == .object {
            ChatReader.read(message: message, &draft)
        } else if let place = places.first(where: { root[$0]?.kind == .string }) {
            draft.parts.text.add(root[place])
            if let thinking = root["thinking"] ?? root["reasoning_content"] ?? root["reasoning"] {
                _ = ContentParts.addTexts(of: thinking, to: &draft.parts.reasoning)
            }
            draft.read(calls: root["tool_calls"])
        } else {
            return nil
        }
        if root["done"]?.bool == false { return .sick("the answer broke off before its end") }
        for place in ["done_reason", "finish_reason", "stop_reason", "stop_type"] as [StaticString] {
            if draft.reason.isEmpty { draft.read(reason: root[place]) }
        }
        draft.read(model: root["model"])
        // Ollama and llama.cpp count beside the text.
        draft.read(usage: root["usage"] ?? root)
        draft.other.addMembers(of: root, except: envelope)
        return draft.judged(body)
    }

    private static let places: [StaticString] = [
        "response", "content", "generated_text", "text", "completion", "output_text",
    ]
    private static let envelope: JSONNames = [
        "response", "content", "generated_text", "text", "completion", "output_text", "message", "thinking",
        "reasoning_content", "reasoning", "tool_calls", "done", "done_reason", "finish_reason",
        "stop_reason", "stop_type", "model", "usage", "created_at", "total_duration", "load_duration", "context",
        "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration", "generation_settings", "prompt",
        "timings", "tokens_evaluated", "tokens_predicted", "id", "id_slot", "index", "object", "created",
    ]
}
