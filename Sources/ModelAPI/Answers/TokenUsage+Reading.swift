internal import JSONText

extension TokenUsage {
    /// Reads the counts of an answer under the names of OpenAI, Anthropic, Google, Ollama, llama.cpp and compatible
    /// servers. Each is clamped to 0 to `countMax`, only here.
    init(reading usage: JSONValue?) {
        self.init()
        var counts = Counts()
        usage?.forEachMember { key, value in
            counts.read(key, value)
            return true
        }
        // Anthropic's input_tokens do not include what the cache read and wrote.
        let read = counts.prompt ?? (counts.input + counts.cacheRead + counts.cacheWritten)
        prompt = Self.clamped(read + counts.toolPrompt)
        completion = Self.clamped(counts.completion + counts.thoughts)
        reasoning = counts.thoughts > 0 ? counts.thoughts : counts.reasoning
        cached = counts.cached ?? counts.cacheRead
    }

    private static func clamped(_ count: Int) -> Int { min(max(count, 0), countMax) }

    /// Whole numbers, fractions and numbers in texts; 0 for anything else. Nil for null.
    static func count(_ value: JSONValue) -> Int? {
        switch value.kind {
        case .number:
            if let count = value.int { return clamped(count) }
            return count(String(decoding: value.raw.prefix(numberBytesMax), as: UTF8.self))
        case .string: return value.string(prefixBytesMax: numberBytesMax).flatMap(count)
        default: return nil
        }
    }

    private static func count(_ text: String) -> Int? {
        guard let number = Double(text), !number.isNaN else { return nil }
        return Int(min(max(number.rounded(), 0), Double(countMax)))
    }

    /// Longer numbers are read by their beginning.
    private static let numberBytesMax = 64

    private struct Counts {
        var prompt: Int?
        var input = 0
        var completion = 0
        var reasoning = 0
        /// Reasoning tokens that are not included in the completion's.
        var thoughts = 0
        var cached: Int?
        var cacheRead = 0
        var cacheWritten = 0
        var toolPrompt = 0

        mutating func read(_ key: JSONValue, _ value: JSONValue) {
            if value.kind == .object {
                readDetails(key, value)
                return
            }
            guard let count = TokenUsage.count(value) else { return }
            if Self.promptNames.contains(key) {
                prompt = count
            } else if Self.completionNames.contains(key) {
                completion = count
            } else if key.isText("input_tokens") {
                input = count
            } else if key.isText("cache_read_input_tokens") {
                cacheRead = count
            } else if key.isText("cache_creation_input_tokens") {
                cacheWritten = count
            } else if Self.cachedNames.contains(key) {
                // DeepSeek and others count their cache hits separately.
                cached = cached ?? count
            } else if key.isText("thoughtsTokenCount") {
                thoughts = count
            } else if key.isText("toolUsePromptTokenCount") {
                toolPrompt = count
            } else if key.isText("reasoning_tokens") {
                reasoning = count
            }
        }

        private mutating func readDetails(_ key: JSONValue, _ value: JSONValue) {
            guard Self.detailNames.contains(key) else { return }
            value.forEachMember { key, value in
                if key.isText("reasoning_tokens") || key.isText("thinking_tokens") {
                    reasoning = TokenUsage.count(value) ?? reasoning
                } else if key.isText("cached_tokens") {
                    cached = TokenUsage.count(value) ?? cached
                }
                return true
            }
        }

        private static let detailNames: JSONNames = [
            "completion_tokens_details", "output_tokens_details", "prompt_tokens_details", "input_tokens_details",
        ]
        private static let promptNames: JSONNames = [
            "prompt_tokens", "promptTokenCount", "prompt_eval_count", "tokens_evaluated",
        ]
        private static let completionNames: JSONNames = [
            "completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count", "tokens_predicted",
        ]
        private static let cachedNames: JSONNames = [
            "prompt_cache_hit_tokens", "cachedContentTokenCount", "cached_tokens",
        ]
    }
}
