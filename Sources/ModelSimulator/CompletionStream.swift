import Basics
import JSONText

/// An answer as server-sent events, and when each may be sent.
struct EventStream {
    /// The end of an event in the body, and how many text tokens precede it.
    struct Mark: Hashable {
        var end: Int
        var tokens: Int
    }

    var body: [UInt8] = []
    var marks: [Mark] = []

    var tokens = 0

    /// Appends an event; `name` is for APIs with named events.
    mutating func event(_ name: StaticString? = nil, _ write: (inout [UInt8]) -> Void) {
        if let name {
            body.append(text: "event: ")
            body.append(text: name)
            body.append(text: "\n")
        }
        body.append(text: "data: ")
        write(&body)
        body.append(text: "\n\n")
        marks.append(Mark(end: body.count, tokens: tokens))
    }
}

extension Completion {
    /// The answer as events of about one token each, in the format of the request's endpoint. `isSound` is false for
    /// malformed events.
    func stream(isSound: Bool = true) -> EventStream {
        switch request.endpoint {
        case .chat, .completions: choicesStream(isSound)
        case .infill: infillStream(isSound)
        case .responses: responsesStream(isSound)
        case .messages: messagesStream(isSound)
        }
    }

    /// The whole text, then the closing event.
    private func infillStream(_ isSound: Bool) -> EventStream {
        var stream = EventStream()
        stream.event { output in
            output.append(text: isSound ? #"{"content":"# : #"{"content"#)
            JSONString.append(generations[0].content, to: &output)
            output.append(text: #","stop":false}"#)
        }
        var last = self
        last.generations[0].content = []
        let end = last.infillBody(.sound)
        stream.event { $0.append(contentsOf: end) }
        return stream
    }

    /// https://platform.openai.com/docs/api-reference/chat/streaming
    private func choicesStream(_ isSound: Bool) -> EventStream {
        var stream = EventStream()
        for (index, generation) in generations.enumerated() {
            if request.endpoint == .chat, request.form.tool == nil {
                appendEvent(index, delta: Array(#"{"role":"assistant","content":""}"#.utf8), to: &stream)
            }
            appendTexts(generation.reasoning, index, key: "reasoning_content", isSound: isSound, to: &stream)
            let key: StaticString = request.endpoint == .chat ? "content" : "text"
            if let tool = request.form.tool, request.endpoint == .chat, isSound {
                for (delta, tokens) in toolDeltas(tool, generation.content, index: index) {
                    stream.tokens += tokens
                    appendEvent(index, delta: delta, to: &stream)
                }
            } else {
                appendTexts(generation.content, index, key: key, isSound: isSound, to: &stream)
            }
            appendEvent(index, delta: Array("{}".utf8), finish: finishReason(generation), to: &stream)
        }
        if request.streamIncludesUsage {
            stream.event { output in
                appendChunkStart(to: &output)
                output.append(text: #"],"usage":"#)
                appendUsage(to: &output)
                output.append(text: "}")
            }
        }
        stream.event { $0.append(text: "[DONE]") }
        return stream
    }

    private func appendTexts(
        _ text: [UInt8], _ index: Int, key: StaticString, isSound: Bool, to stream: inout EventStream
    ) {
        for piece in text.tokenPieces {
            stream.tokens += TokenCount.tokens(ofBytes: piece.count)
            stream.event { output in
                appendChunkStart(to: &output)
                output.append(text: #"{"index":"#)
                output.append(decimal: index)
                if request.endpoint == .chat {
                    output.append(text: #","delta":{""#)
                } else {
                    output.append(text: #",""#)
                }
                output.append(text: key)
                output.append(text: #"":"#)
                if isSound { JSONString.append(piece, to: &output) } else { output.append(UInt8(ascii: "\"")) }
                if request.endpoint == .chat { output.append(UInt8(ascii: "}")) }
                output.append(text: #","logprobs":null,"finish_reason":null}"#)
                appendChunkEnd(to: &output)
            }
        }
    }

    /// Appends an event without text: the role, or the finish reason.
    private func appendEvent(
        _ index: Int, delta: [UInt8], finish: String? = nil, to stream: inout EventStream
    ) {
        stream.event { output in
            appendChunkStart(to: &output)
            output.append(text: #"{"index":"#)
            output.append(decimal: index)
            if request.endpoint == .chat {
                output.append(text: #","delta":"#)
                output.append(contentsOf: delta)
            } else {
                output.append(text: #","text":"""#)
            }
            output.append(text: #","logprobs":null,"finish_reason":"#)
            if let finish {
                JSONString.append(finish, to: &output)
            } else {
                output.append(text: "null")
            }
            output.append(UInt8(ascii: "}"))
            appendChunkEnd(to: &output)
        }
    }

    private func appendChunkStart(to output: inout [UInt8]) {
        appendStart(object: request.endpoint == .chat ? "chat.completion.chunk" : "text_completion", to: &output)
        appendTier(to: &output)
        output.append(text: #","system_fingerprint":"fp_simulator","choices":["#)
    }

    private func appendChunkEnd(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "]"))
        if request.streamIncludesUsage { output.append(text: #","usage":null"#) }
        output.append(UInt8(ascii: "}"))
    }
}

extension [UInt8] {
    /// Pieces that start at the beginning of a word, each with the preceding white space.
    var tokenPieces: [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        for at in indices.dropFirst() where self[at] <= 0x20 && self[at - 1] > 0x20 {
            pieces.append(self[start..<at])
            start = at
        }
        if start < count { pieces.append(self[start...]) }
        return pieces
    }
}
