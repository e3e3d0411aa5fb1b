import JSONText

/// The forms in which a dataset is handed on. The raw values are the words of `--format`.
enum ExportFormat: String, CaseIterable {
    /// `{"messages":[{"role","content"},...]}`: OpenAI's fine-tuning file, TRL, Axolotl.
    case messages
    /// `{"conversations":[{"from","value"},...]}`.
    case sharegpt
    /// `{"instruction","input","output","system"}`: single turns.
    case alpaca
    /// Lines of an output file of OpenAI's Batch API.
    case openaiBatch = "openai-batch"
    /// `{"text"}`: what the model wrote; of a completion the prompt too.
    case text
}

/// What becomes of the model's reasoning.
enum ReasoningForm: String, CaseIterable {
    case drop
    /// In a member of its own: `reasoning_content` of the assistant's turn, or `reasoning` of the line.
    case keep
    /// Before the response, between `<think>` and `</think>`.
    case think
}

/// Why a record has no line in the export.
enum LeftOut: String, CaseIterable, Error {
    case finish = "ended otherwise than --finish asks"
    case model = "of another model"
    case short = "shorter than --min-chars"
    case long = "longer than --max-chars"
    case unanswered = "without a response"
    case notText = "with images or other parts that are not text"
    case severalTurns = "with several turns, which alpaca has no place for (use messages)"
    case infill = "that fill a gap, which is no chat (use text or alpaca)"
    case toolCalls = "that call tools, for which the format has no place (use messages)"
}

/// Renders records as lines of one format. Every line of a file has the same members of the same types.
struct ExportRenderer {
    var format: ExportFormat
    var reasoning: ReasoningForm
    /// Whether lines carry the record's id and sample.
    var withIDs: Bool
    /// Whether ids of a batch file carry the sample's number.
    var hasSamples: Bool

    /// The line of a record, without its line feed. Throws why it has none.
    func line(_ record: ExportedRecord) throws(LeftOut) -> [UInt8] {
        guard record.isAnswered || !record.toolCalls.isEmpty else { throw .unanswered }
        if format != .messages, format != .openaiBatch, !record.toolCalls.isEmpty { throw .toolCalls }
        var line = JSONLine()
        if withIDs, format != .openaiBatch {
            line.member("id", record.id)
            line.member("sample", String(record.sample))
        }
        switch format {
        case .messages: try appendMessages(record, to: &line)
        case .sharegpt: try appendConversations(record, to: &line)
        case .alpaca: try appendAlpaca(record, to: &line)
        case .text: try appendText(record, to: &line)
        case .openaiBatch: appendBatch(record, to: &line)
        }
        if reasoning == .keep, format != .messages, format != .openaiBatch {
            line.member("reasoning", record.reasoning)
        }
        return line.finished
    }

    private func turns(_ record: ExportedRecord) throws(LeftOut) -> [ExportedTurn] {
        guard let turns = record.turns else { throw record.isInfill ? .infill : .notText }
        if turns.contains(where: { $0.text == nil }) { throw .notText }
        return turns
    }

    /// The response as a JSON string token, with the reasoning before it where that is asked for.
    private func output(_ record: ExportedRecord) -> ArraySlice<UInt8> {
        guard reasoning == .think, record.hasReasoning else { return record.response }
        var token = Array(#""<think>\n"#.utf8)
        token.append(contentsOf: record.reasoning.dropFirst().dropLast())
        token.append(contentsOf: #"\n</think>\n\n"#.utf8)
        token.append(contentsOf: record.response.dropFirst())
        return token[...]
    }

    private func assistant(_ record: ExportedRecord) -> [UInt8] {
        var turn = JSONLine()
        turn.member("role", #""assistant""#)
        turn.member("content", output(record))
        if reasoning == .keep { turn.member("reasoning_content", record.reasoning) }
        if !record.toolCalls.isEmpty { turn.member("tool_calls", record.toolCalls[...]) }
        return turn.finished
    }

    private func appendMessages(_ record: ExportedRecord, to line: inout JSONLine) throws(LeftOut) {
        var list = JSONList()
        for turn in try turns(record) {
            if turn.isPlain {
                list.append(turn.raw)
            } else {
                var message = JSONLine()
                message.text("role", turn.role)
                message.member("content", turn.text!)
                list.append(message.finished[...])
            }
        }
        list.append(assistant(record)[...])
        line.member("messages", list.finished[...])
    }

    private func appendConversations(_ record: ExportedRecord, to line: inout JSONLine) throws(LeftOut) {
        var list = JSONList()
        func append(_ from: String, _ value: ArraySlice<UInt8>) {
            var turn = JSONLine()
            turn.text("from", from)
            turn.member("value", value)
            list.append(turn.finished[...])
        }
        for turn in try turns(record) { append(Self.speaker(turn.role), turn.text!) }
        append("gpt", output(record))
        line.member("conversations", list.finished[...])
    }

    /// ShareGPT's word for a role.
    private static func speaker(_ role: String) -> String {
        switch role {
        case "system", "developer": "system"
        case "user": "human"
        case "assistant": "gpt"
        default: role
        }
    }

    private func appendAlpaca(_ record: ExportedRecord, to line: inout JSONLine) throws(LeftOut) {
        var system = ExportedRecord.emptyString
        var instruction = record.string("prompt")
        if !record.isInfill {
            var rest = try turns(record)[...]
            if let first = rest.first, Self.speaker(first.role) == "system" {
                system = first.text!
                rest = rest.dropFirst()
            }
            guard rest.count == 1, let turn = rest.first, turn.role == "user" else { throw .severalTurns }
            instruction = turn.text!
        }
        line.member("instruction", instruction)
        line.member("input", record.string("suffix"))
        line.member("output", output(record))
        line.member("system", system)
    }

    private func appendText(_ record: ExportedRecord, to line: inout JSONLine) throws(LeftOut) {
        guard record.view.isCompletion else {
            line.member("text", output(record))
            return
        }
        guard record.root["prompt"]?.kind == .string else { throw .notText }
        var token: [UInt8] = [0x22]
        for part in [record.string("prompt"), output(record), record.string("suffix")] {
            token.append(contentsOf: part.dropFirst().dropLast())
        }
        token.append(0x22)
        line.member("text", token[...])
    }

    /// https://platform.openai.com/docs/guides/batch: the lines of an output file.
    private func appendBatch(_ record: ExportedRecord, to line: inout JSONLine) {
        let name = hasSamples ? record.id.dropLast() + Array("#\(record.sample)\"".utf8) : record.id
        var choice = JSONLine()
        choice.member("index", "0")
        choice.member("message", assistant(record)[...])
        choice.text("finish_reason", record.finishReason)
        var usage = JSONLine()
        let counts = record.root["usage"]
        let (prompt, completion) = (counts?["prompt_tokens"]?.int ?? 0, counts?["completion_tokens"]?.int ?? 0)
        usage.member("prompt_tokens", String(prompt))
        usage.member("completion_tokens", String(completion))
        usage.member("total_tokens", String(prompt + completion))
        var body = JSONLine()
        body.member("id", name)
        body.member("object", #""chat.completion""#)
        body.member("created", String(record.root["created"]?.int ?? 0))
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

/// A JSON object that is put together from tokens.
struct JSONLine {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    mutating func member(_ name: String, _ token: some Collection<UInt8>) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        JSONString.append(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(contentsOf: token)
    }

    mutating func member(_ name: String, _ token: String) { member(name, Array(token.utf8)) }

    mutating func text(_ name: String, _ value: String) {
        var token: [UInt8] = []
        JSONString.append(value, to: &token)
        member(name, token)
    }

    var finished: [UInt8] { bytes + [UInt8(ascii: "}")] }
}

/// A JSON array of tokens.
struct JSONList {
    private var bytes: [UInt8] = [UInt8(ascii: "[")]

    mutating func append(_ token: ArraySlice<UInt8>) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: token)
    }

    var finished: [UInt8] { bytes + [UInt8(ascii: "]")] }
}
