/// The meaning of a provider's word for why an answer ended.
enum FinishReason: Hashable {
    /// An ordinary end, in OpenAI's word if there is one; empty if the provider gives none.
    case end(String)
    /// A filter withheld the answer, or the model refused.
    case filtered
    /// The server broke the answer off: it is not an answer, and a retry may bring one.
    case aborted
    /// The model's output cannot be parsed, such as a tool call.
    case malformed

    static let length = "length"
    static let contentFilter = "content_filter"
    /// Longer words are truncated.
    static let wordBytesMax = 128

    init(_ word: String) {
        switch word {
        case "stop", Self.length, "tool_calls", "function_call", "": self = .end(word)
        default: self = Self.meaning(word)
        }
    }

    /// The providers' words in lower case, without the prefixes of Google's enumerations.
    private static func meaning(_ word: String) -> FinishReason {
        var bare = Substring(snake(word))
        for prefix in ["finishreason.", "finish_reason.", "finish_reason_"] where bare.hasPrefix(prefix) {
            bare = bare.dropFirst(prefix.count)
        }
        if bare.hasPrefix(contentFilter) { return .filtered }
        switch bare {
        case "stop", "eos", "eos_token", "end_turn", "end_of_turn", "stop_sequence", "stop_token", "stop_str",
            "complete",
            "completed", "done", "finish", "finished", "end", "word", "stopped":
            return .end("stop")
        case length, "max_tokens", "max_token", "model_length", "max_length", "max_output_tokens", "max_new_tokens",
            "model_context_window_exceeded", "context_length", "limit", "error_limit", "token_limit":
            return .end(length)
        case "tool_calls", "tool_use", "tool_call": return .end("tool_calls")
        case "function_call": return .end("function_call")
        case "safety", "recitation", "blocklist", "prohibited_content", "spii", "image_safety",
            "image_prohibited_content",
            "image_recitation", "language", "model_armor", "jailbreak", "sensitive", "refusal", "content_filtered",
            "guardrail_intervened", "guardrails", "error_toxic", "moderation", "moderated", "blocked", "filtered",
            "unsafe":
            return .filtered
        case "abort", "aborted", "error", "cancelled", "canceled", "cancel", "load", "unload", "other", "image_other",
            "no_image", "failed", "failure", "fail", "timeout", "time_limit", "interrupted", "preempted",
            "network_error",
            "server_error", "internal_error", "engine_error", "insufficient_system_resource", "user_cancel",
            "disconnect":
            return .aborted
        case "malformed_function_call", "unexpected_tool_call", "too_many_tool_calls", "malformed_response",
            "missing_thought_signature", "malformed_model_output", "malformed_tool_use":
            return .malformed
        case "unspecified", "null", "none": return .end("")
        default: return guess(bare) ?? .end(word)
        }
    }

    /// `contentFilter` and `content-filter` as `content_filter`.
    private static func snake(_ word: String) -> String {
        var output = ""
        var wasLower = false
        for character in word {
            if character.isUppercase, wasLower { output.append("_") }
            wasLower = character.isLowercase
            output += character == "-" ? "_" : character.lowercased()
        }
        return output
    }

    /// The meaning of an unknown word by its parts: a broken answer must not pass for a good one.
    private static func guess(_ word: Substring) -> FinishReason? {
        if filterParts.contains(where: word.contains) { return .filtered }
        return abortParts.contains(where: word.contains) ? .aborted : nil
    }

    private static let filterParts = ["filter", "safety", "policy", "moderat", "guardrail", "prohibited", "violat"]
    private static let abortParts = [
        "abort", "error", "cancel", "fail", "timeout", "timed_out", "shutdown", "disconnect", "interrupt", "preempt",
        "exception", "crash", "killed", "evicted", "unavailable",
    ]
}
