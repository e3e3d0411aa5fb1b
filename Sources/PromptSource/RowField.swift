/// The members of rows that have a meaning, by name.
enum RowField: Int, CaseIterable {
    case messages, prompt, prefix, suffix, body, url, method, customID, id, uid
    case params, conversations, completion, messagesJSON
    // What a row may set in its request.
    case system, model, temperature, topP, maxTokens, maxCompletionTokens, stop, seed, n
    case responseFormat, reasoningEffort, tools, toolChoice, parallelToolCalls
    // What marks a record of a store.
    case sample, status, attempts, row, fingerprint, metadata

    /// The name in JSON.
    var name: String {
        switch self {
        case .customID: "custom_id"
        case .messagesJSON: "messages_json"
        case .topP: "top_p"
        case .maxTokens: "max_tokens"
        case .maxCompletionTokens: "max_completion_tokens"
        case .responseFormat: "response_format"
        case .reasoningEffort: "reasoning_effort"
        case .toolChoice: "tool_choice"
        case .parallelToolCalls: "parallel_tool_calls"
        default: "\(self)"
        }
    }
}

/// A set of fields.
struct RowFieldSet: OptionSet {
    var rawValue: Int

    init(rawValue: Int) { self.rawValue = rawValue }
    init(_ field: RowField) { rawValue = 1 << field.rawValue }
    init(_ fields: [RowField]) { rawValue = fields.reduce(0) { $0 | 1 << $1.rawValue } }

    func contains(_ field: RowField) -> Bool { rawValue & 1 << field.rawValue != 0 }

    static let messages = RowFieldSet(.messages)
    static let prompt = RowFieldSet(.prompt)
    static let fill = RowFieldSet([.prefix, .suffix])
    static let batch = RowFieldSet([.customID, .method, .url, .body])
    static let anthropicBatch = RowFieldSet([.customID, .params])
    /// What is sent beside the prompt, in order. `system` becomes a turn.
    static let sent: [RowField] = [
        .model, .temperature, .topP, .maxTokens, .maxCompletionTokens, .stop, .seed, .n, .responseFormat,
        .reasoningEffort, .tools, .toolChoice, .parallelToolCalls,
    ]
    static let wishes = RowFieldSet(sent + [.system])
    /// What every record of a store has.
    static let record = RowFieldSet([.id, .sample, .status, .attempts, .row, .fingerprint, .metadata])
}
