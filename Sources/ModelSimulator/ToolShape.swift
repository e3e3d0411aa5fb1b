import JSONText

/// Calls of a forced tool, in the formats of the APIs.
extension Completion {
    /// Appends the call's identifier in OpenAI's format.
    private func appendCallIdentifier(_ index: Int, to output: inout [UInt8]) {
        output.append(text: "call_")
        output.append(hexadecimal: identifier &+ UInt64(index))
    }

    /// `"tool_calls":[...]` of a chat's message.
    func appendToolCalls(_ tool: ArraySlice<UInt8>, _ arguments: [UInt8], index: Int, to output: inout [UInt8]) {
        output.append(text: #""tool_calls":["#)
        appendCallStart(tool, index: index, to: &output)
        JSONString.append(arguments, to: &output)
        output.append(text: "}}]")
    }

    /// Appends the call up to the start of the arguments.
    private func appendCallStart(_ tool: ArraySlice<UInt8>, index: Int, to output: inout [UInt8]) {
        output.append(text: #"{"id":""#)
        appendCallIdentifier(index, to: &output)
        output.append(text: #"","type":"function","function":{"name":""#)
        output.append(contentsOf: tool)
        output.append(text: #"","arguments":"#)
    }

    /// The deltas of a chat's stream: the call's name, then its arguments piece by piece.
    func toolDeltas(_ tool: ArraySlice<UInt8>, _ arguments: [UInt8], index: Int) -> [(delta: [UInt8], tokens: Int)] {
        var head = Array(#"{"role":"assistant","content":null,"tool_calls":[{"index":0,"#.utf8)
        var start: [UInt8] = []
        appendCallStart(tool, index: index, to: &start)
        head.append(contentsOf: start.dropFirst())
        head.append(text: #"""}}]}"#)
        return [(head, 0)]
            + arguments.tokenPieces.map { piece in
                var delta = Array(#"{"tool_calls":[{"index":0,"function":{"arguments":"#.utf8)
                JSONString.append(piece, to: &delta)
                delta.append(text: "}}]}")
                return (delta, TokenCount.tokens(ofBytes: piece.count))
            }
    }

    /// Appends an item of the Responses API, without arguments while it is in progress.
    func appendFunctionCall(
        _ tool: ArraySlice<UInt8>, _ arguments: [UInt8], isDone: Bool, to output: inout [UInt8]
    ) {
        output.append(text: #"{"type":"function_call","id":"fc_"#)
        output.append(hexadecimal: identifier)
        output.append(text: #"","call_id":""#)
        appendCallIdentifier(0, to: &output)
        output.append(text: #"","name":""#)
        output.append(contentsOf: tool)
        output.append(text: #"","arguments":"#)
        JSONString.append(isDone ? arguments : [], to: &output)
        output.append(text: isDone ? #","status":"completed"}"# : #","status":"in_progress"}"#)
    }

    /// Appends a block of Anthropic's messages. Arguments that are not valid JSON cannot be included, so the input is
    /// then empty.
    func appendToolUse(_ tool: ArraySlice<UInt8>, _ arguments: [UInt8], to output: inout [UInt8]) {
        output.append(text: #"{"type":"tool_use","id":"toolu_"#)
        output.append(hexadecimal: identifier)
        output.append(text: #"","name":""#)
        output.append(contentsOf: tool)
        output.append(text: #"","input":"#)
        let isObject = (try? JSONParser().parse(arguments).root.kind) == .object
        output.append(contentsOf: isObject ? arguments : Array("{}".utf8))
        output.append(UInt8(ascii: "}"))
    }
}
