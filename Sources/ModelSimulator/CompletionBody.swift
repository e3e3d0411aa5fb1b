import JSONText

/// The texts of one response and the values reported with them.
struct Completion {
    var request: CompletionRequest
    var identifier: UInt64
    /// Seconds since 1970.
    var created: Int64
    /// One per choice, in order of index.
    var generations: [Generation]

    var reasoningTokens: Int { generations.reduce(0) { $0 + $1.reasoningTokens } }
    var completionTokens: Int { generations.reduce(0) { $0 + $1.tokens } }
    var textBytes: Int { generations.reduce(0) { $0 + $1.content.count + $1.reasoning.count } }
}

/// Writes completions in the shape of OpenAI's API
/// (https://platform.openai.com/docs/api-reference/chat/object, .../completions/object).
extension Completion {
    /// The parts that the fault `malformed` breaks.
    enum Shape: CaseIterable {
        case sound
        case withoutChoices
        case emptyChoices
        case withoutContent
    }

    /// The whole answer as one JSON object, in the shape of the request's endpoint.
    func body(_ shape: Shape = .sound) -> [UInt8] {
        switch request.endpoint {
        case .chat, .completions: choicesBody(shape)
        case .infill: infillBody(shape)
        case .responses: responsesBody(shape)
        case .messages: messagesBody(shape)
        }
    }

    private func choicesBody(_ shape: Shape) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(textBytes + textBytes / 8 + generations.count * 160 + 512)
        appendStart(object: request.endpoint == .chat ? "chat.completion" : "text_completion", to: &output)
        if shape != .withoutChoices {
            output.append(text: #","choices":["#)
            if shape != .emptyChoices {
                for (index, generation) in generations.enumerated() {
                    if index > 0 { output.append(UInt8(ascii: ",")) }
                    appendChoice(generation, index: index, hasContent: shape != .withoutContent, to: &output)
                }
            }
            output.append(UInt8(ascii: "]"))
        }
        output.append(text: #","usage":"#)
        appendUsage(to: &output)
        appendTier(to: &output)
        output.append(text: #","system_fingerprint":"fp_simulator"}"#)
        return output
    }

    /// Appends the service tier under which it is billed.
    func appendTier(to output: inout [UInt8]) {
        if request.isFlex { output.append(text: #","service_tier":"flex""#) }
    }

    /// llama.cpp's own format: one text with counts.
    func infillBody(_ shape: Shape) -> [UInt8] {
        var output = Array("{".utf8)
        if shape == .sound || shape == .emptyChoices {
            output.append(text: #""content":"#)
            JSONString.append(shape == .sound ? generations[0].content : [], to: &output)
            output.append(UInt8(ascii: ","))
        }
        output.append(text: #""stop":true,"stop_type":""#)
        output.append(contentsOf: (generations[0].finish == .stop ? "eos" : "limit").utf8)
        output.append(text: #"","model":""#)
        output.append(contentsOf: request.model)
        output.append(text: #"","tokens_evaluated":"#)
        output.append(decimal: request.promptTokens)
        output.append(text: #","tokens_predicted":"#)
        output.append(decimal: completionTokens)
        output.append(text: "}")
        return output
    }

    func appendStart(object: StaticString, to output: inout [UInt8]) {
        output.append(text: #"{"id":""#)
        appendIdentifier(to: &output)
        output.append(text: #"","object":""#)
        output.append(text: object)
        output.append(text: #"","created":"#)
        output.append(decimal: Int(created))
        output.append(text: #","model":""#)
        output.append(contentsOf: request.model)
        output.append(UInt8(ascii: "\""))
    }

    private func appendIdentifier(to output: inout [UInt8]) {
        if request.endpoint == .chat { output.append(text: "chatcmpl-") } else { output.append(text: "cmpl-") }
        output.append(hexadecimal: identifier)
    }

    private func appendChoice(_ generation: Generation, index: Int, hasContent: Bool, to output: inout [UInt8]) {
        output.append(text: #"{"index":"#)
        output.append(decimal: index)
        switch request.endpoint {
        case .chat:
            output.append(text: #","message":{"role":"assistant","content":"#)
            if let tool = request.form.tool, hasContent {
                output.append(text: "null,")
                appendToolCalls(tool, generation.content, index: index, to: &output)
            } else if hasContent {
                JSONString.append(generation.content, to: &output)
            } else {
                output.append(text: "null")
            }
            if !generation.reasoning.isEmpty {
                output.append(text: #","reasoning_content":"#)
                JSONString.append(generation.reasoning, to: &output)
            }
            output.append(text: #","refusal":null}"#)
        case .completions, .infill, .responses, .messages:
            output.append(text: #","text":"#)
            if hasContent { JSONString.append(generation.content, to: &output) } else { output.append(text: "null") }
        }
        output.append(text: #","logprobs":null,"finish_reason":""#)
        output.append(contentsOf: finishReason(generation).utf8)
        output.append(text: #""}"#)
    }

    func finishReason(_ generation: Generation) -> String {
        request.form.tool != nil && generation.finish == .stop ? "tool_calls" : generation.finish.rawValue
    }

    func appendUsage(to output: inout [UInt8]) {
        output.append(text: #"{"prompt_tokens":"#)
        output.append(decimal: request.promptTokens)
        output.append(text: #","completion_tokens":"#)
        output.append(decimal: completionTokens)
        output.append(text: #","total_tokens":"#)
        output.append(decimal: request.promptTokens + completionTokens)
        output.append(text: #","prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":"#)
        output.append(text: #"{"reasoning_tokens":"#)
        output.append(decimal: reasoningTokens)
        output.append(text: "}}")
    }
}
