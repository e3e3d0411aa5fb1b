import JSONText

/// Completions in the format of Anthropic's API (https://docs.anthropic.com/en/api/messages, .../messages-streaming).
extension Completion {
    private var generation: Generation { generations.first ?? Generation() }

    private var stopReason: StaticString {
        switch generation.finish {
        case .stop: request.form.tool == nil ? "end_turn" : "tool_use"
        case .length: "max_tokens"
        case .contentFilter: "refusal"
        }
    }

    func messagesBody(_ shape: Shape) -> [UInt8] {
        var output: [UInt8] = []
        appendMessageStart(to: &output)
        if shape != .withoutChoices {
            output.append(text: #","content":["#)
            if shape == .sound { appendBlocks(to: &output) }
            output.append(UInt8(ascii: "]"))
        }
        appendStop(to: &output)
        output.append(text: #","usage":{"input_tokens":"#)
        output.append(decimal: request.promptTokens)
        output.append(text: #","cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":"#)
        output.append(decimal: completionTokens)
        output.append(text: #","service_tier":"standard"}}"#)
        return output
    }

    private func appendMessageStart(to output: inout [UInt8]) {
        output.append(text: #"{"id":"msg_"#)
        output.append(hexadecimal: identifier)
        output.append(text: #"","type":"message","role":"assistant","model":""#)
        output.append(contentsOf: request.model)
        output.append(UInt8(ascii: "\""))
    }

    private func appendBlocks(to output: inout [UInt8]) {
        if !generation.reasoning.isEmpty {
            output.append(text: #"{"type":"thinking","thinking":"#)
            JSONString.append(generation.reasoning, to: &output)
            output.append(text: #","signature":"simulated"},"#)
        }
        if let tool = request.form.tool { return appendToolUse(tool, generation.content, to: &output) }
        output.append(text: #"{"type":"text","text":"#)
        JSONString.append(generation.content, to: &output)
        output.append(UInt8(ascii: "}"))
    }

    private func appendStop(to output: inout [UInt8]) {
        output.append(text: #","stop_reason":""#)
        output.append(text: stopReason)
        output.append(text: #"","stop_sequence":null"#)
    }

    func messagesStream(_ isSound: Bool) -> EventStream {
        var stream = EventStream()
        stream.event("message_start") { output in
            output.append(text: #"{"type":"message_start","message":"#)
            appendMessageStart(to: &output)
            output.append(text: #","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":"#)
            output.append(decimal: request.promptTokens)
            output.append(text: #","output_tokens":1}}}"#)
        }
        var index = 0
        if !generation.reasoning.isEmpty {
            appendBlock(index, "thinking", generation.reasoning, isSound, to: &stream)
            index += 1
        }
        if let tool = request.form.tool {
            appendToolBlock(index, tool, isSound, to: &stream)
        } else {
            appendBlock(index, "text", generation.content, isSound, to: &stream)
        }
        stream.event("message_delta") { output in
            output.append(text: #"{"type":"message_delta","delta":{"stop_reason":""#)
            output.append(text: stopReason)
            output.append(text: #"","stop_sequence":null},"usage":{"output_tokens":"#)
            output.append(decimal: completionTokens)
            output.append(text: "}}")
        }
        stream.event("message_stop") { $0.append(text: #"{"type":"message_stop"}"#) }
        return stream
    }

    /// Appends a tool call, whose input is streamed as pieces of JSON text.
    private func appendToolBlock(
        _ index: Int, _ tool: ArraySlice<UInt8>, _ isSound: Bool, to stream: inout EventStream
    ) {
        stream.event("content_block_start") { output in
            output.append(text: #"{"type":"content_block_start","index":"#)
            output.append(decimal: index)
            output.append(text: #","content_block":"#)
            appendToolUse(tool, [], to: &output)
            output.append(UInt8(ascii: "}"))
        }
        for piece in generation.content.tokenPieces {
            stream.tokens += TokenCount.tokens(ofBytes: piece.count)
            stream.event("content_block_delta") { output in
                output.append(text: #"{"type":"content_block_delta","index":"#)
                output.append(decimal: index)
                output.append(text: #","delta":{"type":"input_json_delta","partial_json":"#)
                if isSound { JSONString.append(piece, to: &output) } else { output.append(UInt8(ascii: "\"")) }
                output.append(text: "}}")
            }
        }
        stream.event("content_block_stop") { output in
            output.append(text: #"{"type":"content_block_stop","index":"#)
            output.append(decimal: index)
            output.append(UInt8(ascii: "}"))
        }
    }

    /// Appends one content block: `kind` names its type, its member and, before `_delta`, its events.
    private func appendBlock(
        _ index: Int, _ kind: StaticString, _ text: [UInt8], _ isSound: Bool, to stream: inout EventStream
    ) {
        func start(_ event: StaticString, _ output: inout [UInt8]) {
            output.append(text: #"{"type":""#)
            output.append(text: event)
            output.append(text: #"","index":"#)
            output.append(decimal: index)
        }
        func member(_ output: inout [UInt8]) {
            output.append(text: #"",""#)
            output.append(text: kind)
            output.append(text: #"":"#)
        }
        stream.event("content_block_start") { output in
            start("content_block_start", &output)
            output.append(text: #","content_block":{"type":""#)
            output.append(text: kind)
            member(&output)
            output.append(text: #"""}}"#)
        }
        for piece in text.tokenPieces {
            stream.tokens += TokenCount.tokens(ofBytes: piece.count)
            stream.event("content_block_delta") { output in
                start("content_block_delta", &output)
                output.append(text: #","delta":{"type":""#)
                output.append(text: kind)
                output.append(text: "_delta")
                member(&output)
                if isSound { JSONString.append(piece, to: &output) } else { output.append(UInt8(ascii: "\"")) }
                output.append(text: "}}")
            }
        }
        stream.event("content_block_stop") { output in
            start("content_block_stop", &output)
            output.append(UInt8(ascii: "}"))
        }
    }
}
