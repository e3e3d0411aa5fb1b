import JSONText

/// Completions in the format of OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses, and
/// .../responses-streaming).
extension Completion {
    private var generation: Generation { generations.first ?? Generation() }

    private enum Status: String {
        case inProgress = "in_progress"
        case completed, incomplete
    }

    private var status: Status { generation.finish == .stop ? .completed : .incomplete }

    func responsesBody(_ shape: Shape) -> [UInt8] {
        var output: [UInt8] = []
        appendResponse(shape, status, to: &output)
        return output
    }

    private func appendResponse(_ shape: Shape, _ status: Status, to output: inout [UInt8]) {
        output.append(text: #"{"id":"resp_"#)
        output.append(hexadecimal: identifier)
        output.append(text: #"","object":"response","created_at":"#)
        output.append(decimal: Int(created))
        output.append(text: #","status":""#)
        output.append(contentsOf: status.rawValue.utf8)
        output.append(text: #"","error":null,"incomplete_details":"#)
        appendIncompleteDetails(status, to: &output)
        output.append(text: #","instructions":null,"metadata":{},"model":""#)
        output.append(contentsOf: request.model)
        output.append(
            text: #"","parallel_tool_calls":true,"temperature":1.0,"tool_choice":"auto","tools":[],"top_p":1.0"#)
        if shape != .withoutChoices {
            output.append(text: #","output":["#)
            if shape == .sound, status != .inProgress { appendItems(to: &output) }
            output.append(UInt8(ascii: "]"))
        }
        output.append(text: #","usage":"#)
        if status == .inProgress { output.append(text: "null") } else { appendResponsesUsage(to: &output) }
        appendTier(to: &output)
        output.append(UInt8(ascii: "}"))
    }

    private func appendIncompleteDetails(_ status: Status, to output: inout [UInt8]) {
        guard status == .incomplete else { return output.append(text: "null") }
        output.append(text: #"{"reason":""#)
        output.append(text: generation.finish == .length ? "max_output_tokens" : "content_filter")
        output.append(text: #""}"#)
    }

    private func appendItems(to output: inout [UInt8]) {
        if !generation.reasoning.isEmpty {
            output.append(text: #"{"type":"reasoning","id":"rs_"#)
            output.append(hexadecimal: identifier)
            output.append(text: #"","summary":[{"type":"summary_text","text":"#)
            JSONString.append(generation.reasoning, to: &output)
            output.append(text: "}]},")
        }
        appendAnswer(isDone: true, to: &output)
    }

    /// Appends the message, or the call if the answer is a call.
    private func appendAnswer(isDone: Bool, to output: inout [UInt8]) {
        if let tool = request.form.tool {
            appendFunctionCall(tool, generation.content, isDone: isDone, to: &output)
        } else {
            appendMessage(hasText: isDone, to: &output)
        }
    }

    private func appendMessage(hasText: Bool, to output: inout [UInt8]) {
        output.append(text: #"{"type":"message","id":"msg_"#)
        output.append(hexadecimal: identifier)
        output.append(text: #"","status":""#)
        output.append(text: hasText ? "completed" : "in_progress")
        output.append(text: #"","role":"assistant","content":["#)
        if hasText { appendPart(hasText: true, to: &output) }
        output.append(text: "]}")
    }

    private func appendPart(hasText: Bool, to output: inout [UInt8]) {
        output.append(text: #"{"type":"output_text","annotations":[],"text":"#)
        JSONString.append(hasText ? generation.content : [], to: &output)
        output.append(UInt8(ascii: "}"))
    }

    private func appendResponsesUsage(to output: inout [UInt8]) {
        output.append(text: #"{"input_tokens":"#)
        output.append(decimal: request.promptTokens)
        output.append(text: #","input_tokens_details":{"cached_tokens":0},"output_tokens":"#)
        output.append(decimal: completionTokens)
        output.append(text: #","output_tokens_details":{"reasoning_tokens":"#)
        output.append(decimal: reasoningTokens)
        output.append(text: #"},"total_tokens":"#)
        output.append(decimal: request.promptTokens + completionTokens)
        output.append(UInt8(ascii: "}"))
    }

    func responsesStream(_ isSound: Bool) -> EventStream {
        var stream = ResponsesEvents()
        stream.event("response.created") { output in
            output.append(text: #""response":"#)
            appendResponse(.sound, .inProgress, to: &output)
        }
        stream.event("response.output_item.added") { output in
            output.append(text: #""output_index":0,"item":"#)
            appendAnswer(isDone: false, to: &output)
        }
        if request.form.tool != nil {
            appendArguments(isSound, to: &stream)
            return stream.events
        }
        stream.event("response.content_part.added") { output in
            appendPlace(to: &output)
            output.append(text: #","part":"#)
            appendPart(hasText: false, to: &output)
        }
        for piece in generation.content.tokenPieces {
            stream.events.tokens += TokenCount.tokens(ofBytes: piece.count)
            stream.event("response.output_text.delta") { output in
                appendPlace(to: &output)
                output.append(text: #","logprobs":[],"delta":"#)
                if isSound { JSONString.append(piece, to: &output) } else { output.append(UInt8(ascii: "\"")) }
            }
        }
        appendEnd(to: &stream)
        return stream.events
    }

    private func appendArguments(_ isSound: Bool, to stream: inout ResponsesEvents) {
        func place(_ output: inout [UInt8]) {
            output.append(text: #""item_id":"fc_"#)
            output.append(hexadecimal: identifier)
            output.append(text: #"","output_index":0,"#)
        }
        for piece in generation.content.tokenPieces {
            stream.events.tokens += TokenCount.tokens(ofBytes: piece.count)
            stream.event("response.function_call_arguments.delta") { output in
                place(&output)
                output.append(text: #""delta":"#)
                if isSound { JSONString.append(piece, to: &output) } else { output.append(UInt8(ascii: "\"")) }
            }
        }
        stream.event("response.function_call_arguments.done") { output in
            place(&output)
            output.append(text: #""arguments":"#)
            JSONString.append(generation.content, to: &output)
        }
        appendItemEnd(to: &stream)
    }

    private func appendEnd(to stream: inout ResponsesEvents) {
        stream.event("response.output_text.done") { output in
            appendPlace(to: &output)
            output.append(text: #","logprobs":[],"text":"#)
            JSONString.append(generation.content, to: &output)
        }
        stream.event("response.content_part.done") { output in
            appendPlace(to: &output)
            output.append(text: #","part":"#)
            appendPart(hasText: true, to: &output)
        }
        appendItemEnd(to: &stream)
    }

    private func appendItemEnd(to stream: inout ResponsesEvents) {
        stream.event("response.output_item.done") { output in
            output.append(text: #""output_index":0,"item":"#)
            appendAnswer(isDone: true, to: &output)
        }
        stream.event(status == .completed ? "response.completed" : "response.incomplete") { output in
            output.append(text: #""response":"#)
            appendResponse(.sound, status, to: &output)
        }
    }

    private func appendPlace(to output: inout [UInt8]) {
        output.append(text: #""item_id":"msg_"#)
        output.append(hexadecimal: identifier)
        output.append(text: #"","output_index":0,"content_index":0"#)
    }
}

/// The numbered events of one streamed response.
private struct ResponsesEvents {
    var events = EventStream()
    private var number = 0

    mutating func event(_ type: StaticString, _ write: (inout [UInt8]) -> Void) {
        let number = number
        events.event(type) { output in
            output.append(text: #"{"type":""#)
            output.append(text: type)
            output.append(text: #"","sequence_number":"#)
            output.append(decimal: number)
            output.append(UInt8(ascii: ","))
            write(&output)
            output.append(UInt8(ascii: "}"))
        }
        self.number += 1
    }
}
