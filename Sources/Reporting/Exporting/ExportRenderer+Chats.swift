package import Dataset
import JSONText

/// The formats with the turns of a chat.
extension ExportRenderer {
    package func appendMessages(_ prepared: Prepared, _ columns: ExportColumns, to line: inout JSONLine) {
        var list = JSONList()
        for turn in prepared.turns {
            var message = JSONLine()
            message.text("role", turn.role)
            message.member("content", content(turn))
            if reasoning == .keep, turn.reasoning.count > 2 { message.member("reasoning_content", turn.reasoning) }
            appendMembers(columns, to: &message, turn.value)
            list.append(message.finished[...])
        }
        list.append(answer(prepared, columns)[...])
        line.member("messages", list.finished[...])
        guard columns.members.contains(.tools) else { return }
        switch target {
        case .openai: if !prepared.tools.isEmpty { line.member("tools", prepared.tools) }
        case .trl:
            line.member("tools", prepared.tools.isEmpty ? JSONLine.null : JSONLine.token(prepared.tools))
        }
    }

    private func content(_ turn: ExportedTurn) -> ArraySlice<UInt8> {
        if target == .openai {
            if !turn.exact.isEmpty { return turn.exact }
            if turn.calls != nil, turn.text.count == 2 { return JSONLine.null[...] }
        }
        return thought(turn.reasoning, turn.text)
    }

    /// The members that only some turns have, in the target's form.
    private func appendMembers(
        _ columns: ExportColumns, to message: inout JSONLine, _ value: (ExportColumn) -> ArraySlice<UInt8>
    ) {
        for column in ExportColumn.ofTurns where columns.members.contains(column) {
            let token = value(column)
            if !token.isEmpty {
                message.member(column.key, token)
            } else if target == .trl {
                message.member(column.key, JSONLine.null)
            }
        }
    }

    /// The turn of the answer.
    private func answer(_ prepared: Prepared, _ columns: ExportColumns) -> [UInt8] {
        let record = prepared.record
        let calls = prepared.calls?.openAI ?? []
        var turn = JSONLine()
        turn.member("role", #""assistant""#)
        let isCallAlone = !calls.isEmpty && record.response.count == 2
        turn.member("content", isCallAlone && target == .openai ? JSONLine.null[...] : output(record))
        if reasoning == .keep { turn.member("reasoning_content", record.reasoning) }
        appendMembers(columns, to: &turn) { $0 == .toolCalls ? calls[...] : [] }
        return turn.finished
    }

    /// LLaMA-Factory's names for tool turns: a call is a `function_call`, the tool's result an `observation`.
    package func appendConversations(_ prepared: Prepared, _ columns: ExportColumns, to line: inout JSONLine) {
        var list = JSONList()
        func append(_ from: String, _ value: some Collection<UInt8>) {
            var turn = JSONLine()
            turn.text("from", from)
            turn.member("value", value)
            list.append(turn.finished[...])
        }
        func append(_ from: String, _ text: ArraySlice<UInt8>, _ calls: ToolCalls?) {
            if calls == nil || text.count > 2 { append(from, text) }
            if let calls { append("function_call", calls.shareGPT(with: parser)) }
        }
        for turn in prepared.turns {
            append(Self.speaker(turn.role), thought(turn.reasoning, turn.text), turn.calls)
        }
        append("gpt", output(prepared.record), prepared.calls)
        line.member("conversations", list.finished[...])
        if columns.members.contains(.tools) {
            line.member("tools", prepared.tools.isEmpty ? Array(#""""#.utf8) : JSONLine.token(prepared.tools))
        }
    }

    /// https://platform.openai.com/docs/guides/batch: the lines of an output file.
    package func appendBatch(_ prepared: Prepared, _ columns: ExportColumns, to line: inout JSONLine) {
        let record = prepared.record
        let name = hasSamples ? record.id.dropLast() + Array("#\(record.sample)\"".utf8) : record.id
        var choice = JSONLine()
        choice.member("index", "0")
        choice.member("message", answer(prepared, columns)[...])
        choice.text("finish_reason", record.finishReason)
        var usage = JSONLine()
        let (prompt, completion) = (record.view.usage(.prompt), record.view.usage(.completion))
        usage.member("prompt_tokens", String(prompt))
        usage.member("completion_tokens", String(completion))
        usage.member("total_tokens", String(prompt &+ completion))
        var body = JSONLine()
        body.member("id", name)
        body.member("object", #""chat.completion""#)
        body.member("created", String(record.view.integer(.created)))
        body.member("model", record.model)
        body.member("choices", [0x5B] + choice.finished + [0x5D])
        body.member("usage", usage.finished[...])
        var response = JSONLine()
        response.member("status_code", "200")
        response.member("request_id", #""""#)
        response.member("body", body.finished[...])
        line.member("id", name)
        line.member("custom_id", name)
        line.member("response", response.finished[...])
        line.member("error", "null")
    }
}
