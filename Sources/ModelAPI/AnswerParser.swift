internal import JSONText

/// What a successful status brought.
enum ParsedBody {
    case answer(ModelAnswer)
    /// An error under a successful status.
    case error(ErrorBody)
    /// Not an answer of any known form, and why.
    case unusable(String)
}

/// Reads answers: OpenAI chat and completions, Anthropic messages, and the event streams of the OpenAI kind.
enum AnswerParser {
    static func parse(_ body: [UInt8], with parser: JSONParser) -> ParsedBody {
        guard let first = body.first(where: { !isSpace($0) }) else { return .unusable("the body is empty") }
        if first == UInt8(ascii: "<") { return .unusable(Excerpt.html(body)) }
        if first != UInt8(ascii: "{"), EventStream.looksLikeOne(body) { return EventStream.parse(body, with: parser) }
        let root: JSONValue
        do throws(JSONError) {
            root = try parser.parse(body).root
        } catch {
            return .unusable("the body is not whole JSON: \(error): \(Excerpt.text(body))")
        }
        return answer(root, body)
    }

    private static func answer(_ root: JSONValue, _ body: [UInt8]) -> ParsedBody {
        if let choices = root["choices"] {
            guard let choice = choices.firstElement else { return .unusable("the answer has no choices") }
            return openAI(root, choice, body)
        }
        if let error = ErrorBody(root) { return .error(error) }
        if let content = root["content"], content.kind == .array { return .answer(anthropic(root, content, body)) }
        return .unusable("the body is JSON but not an answer: \(Excerpt.text(body))")
    }

    private static func openAI(_ root: JSONValue, _ choice: JSONValue, _ body: [UInt8]) -> ParsedBody {
        if let error = choice["error"].flatMap(ErrorBody.init(member:)) { return .error(error) }
        if let error = root["error"].flatMap(ErrorBody.init(member:)) { return .error(error) }
        let message = choice["message"]
        let response: ArraySlice<UInt8>
        var reason = choice["finish_reason"]?.string ?? ""
        if let message {
            if let refusal = message["refusal"], refusal.kind == .string { reason = FinishReason.contentFilter }
            response = text(message["content"])
        } else if let text = choice["text"] {
            response = self.text(text)
        } else {
            return .unusable("the answer's choice has neither a message nor a text: \(Excerpt.text(body))")
        }
        if reason != FinishReason.length, reason != FinishReason.contentFilter, saysNothing(message ?? choice) {
            return .unusable("the answer has no content: \(Excerpt.text(body))")
        }
        // A server that knows both names may leave the first one null.
        var reasoning = text(message?["reasoning_content"])
        if reasoning.count == ModelAnswer.emptyString.count { reasoning = text(message?["reasoning"]) }
        let calls = message?["tool_calls"]
        let usage = root["usage"]
        return .answer(
            ModelAnswer(
                body: body, responseRaw: response,
                reasoningRaw: reasoning,
                toolCallsRaw: calls?.kind == .array ? calls?.raw : nil, finishReason: reason, modelRaw: model(root),
                usage: usage.map(openAIUsage) ?? TokenUsage(),
                costStatedNanodollars: usage?["cost"]?.double.flatMap(TokenPrice.nanodollars(stated:))))
    }

    /// Not even an empty text: every member in which an answer could be is missing or null.
    private static func saysNothing(_ message: JSONValue) -> Bool {
        let places: [StaticString] = [
            "content", "text", "reasoning_content", "reasoning", "tool_calls", "function_call", "audio",
        ]
        return places.allSatisfy { place in message[place].map { $0.kind == .null } ?? true }
    }

    private static func model(_ root: JSONValue) -> ArraySlice<UInt8> {
        guard let model = root["model"], model.kind == .string else { return ModelAnswer.emptyString }
        return model.raw
    }

    /// A string as it stands, an array of parts joined, anything else empty.
    private static func text(_ value: JSONValue?) -> ArraySlice<UInt8> {
        switch value?.kind {
        case .string: return value!.raw
        case .array: return joined(value!.elements.compactMap { $0.kind == .string ? $0 : $0["text"] })
        default: return ModelAnswer.emptyString
        }
    }

    /// Strings put together without decoding: their contents follow each other between one pair of quotes.
    static func joined(_ strings: [JSONValue]) -> ArraySlice<UInt8> {
        let contents = strings.compactMap(\.rawStringContent)
        if contents.isEmpty { return ModelAnswer.emptyString }
        var output: [UInt8] = [UInt8(ascii: "\"")]
        for content in contents { output.append(contentsOf: content) }
        output.append(UInt8(ascii: "\""))
        return output[...]
    }

    static func openAIUsage(_ usage: JSONValue) -> TokenUsage {
        TokenUsage(
            prompt: usage["prompt_tokens"]?.int ?? 0,
            completion: usage["completion_tokens"]?.int ?? 0,
            reasoning: usage["completion_tokens_details"]?["reasoning_tokens"]?.int ?? 0,
            // DeepSeek counts its cache hits beside the rest.
            cached: usage["prompt_tokens_details"]?["cached_tokens"]?.int ?? usage["prompt_cache_hit_tokens"]?.int ?? 0)
    }

    private static func anthropic(_ root: JSONValue, _ content: JSONValue, _ body: [UInt8]) -> ModelAnswer {
        let blocks = content.elements
        func texts(_ key: StaticString) -> ArraySlice<UInt8> { joined(blocks.compactMap { $0[key] }) }
        let calls = blocks.filter { $0["type"]?.string == "tool_use" }
        let callsRaw = [0x5B] + calls.map(\.raw).joined(separator: [0x2C]) + [0x5D]
        let usage = root["usage"]
        let cached = usage?["cache_read_input_tokens"]?.int ?? 0
        let created = usage?["cache_creation_input_tokens"]?.int ?? 0
        return ModelAnswer(
            body: body, responseRaw: texts("text"), reasoningRaw: texts("thinking"),
            toolCallsRaw: calls.isEmpty ? nil : callsRaw[...],
            finishReason: FinishReason.ofAnthropic(root["stop_reason"]?.string ?? ""), modelRaw: model(root),
            // Anthropic's input_tokens leave out what the cache read and wrote.
            usage: TokenUsage(
                prompt: (usage?["input_tokens"]?.int ?? 0) + cached + created,
                completion: usage?["output_tokens"]?.int ?? 0, cached: cached))
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }
}

/// The reasons an answer ends, in OpenAI's words.
enum FinishReason {
    static let contentFilter = "content_filter"
    static let length = "length"

    static func ofAnthropic(_ reason: String) -> String {
        switch reason {
        case "end_turn", "stop_sequence": "stop"
        case "max_tokens", "model_context_window_exceeded": length
        case "tool_use": "tool_calls"
        case "refusal": contentFilter
        default: reason
        }
    }
}
