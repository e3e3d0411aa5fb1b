/// The formats of an export. The raw values are the words of `--format`.
package enum ExportFormat: String, CaseIterable {
    /// `{"messages":[{"role","content"},...]}`: OpenAI's fine-tuning file, TRL, Axolotl.
    case messages
    /// `{"conversations":[{"from","value"},...]}`.
    case sharegpt
    /// `{"instruction","input","output","system"}`: single turns.
    case alpaca
    /// Lines of an output file of OpenAI's Batch API.
    case openaiBatch = "openai-batch"
    /// `{"text"}`: the model's text; for a completion with its prompt.
    case text
    /// The values of checked answers, one per line.
    case json
}

/// The kind of file.
package enum ExportContainer: String {
    /// One JSON value per line.
    case lines
    case csv, parquet
}

/// What to do with the model's reasoning.
package enum ReasoningForm: String, CaseIterable {
    case drop
    /// In its own member: `reasoning_content` of the assistant's turn, or `reasoning` of the line.
    case keep
    /// Before the response, between `<think>` and `</think>`.
    case think
}

/// The program that the turns of `messages` are for. The raw values are the words of `--for`.
package enum ExportTarget: String, CaseIterable {
    /// Every turn has the same members, null if there is no value; `tools` is JSON text. `datasets` can always load
    /// this, and TRL accepts it.
    case trl
    /// Every turn has only the members with a value, `tools` is a list, and parts of a content stay parts.
    case openai
}

/// Which fields of the rows are exported.
package enum MetadataForm: Hashable {
    case none
    /// All of them, as JSON text.
    case all
    /// Each of these as a member of the line.
    case fields([String])
}

/// Why a record is not exported.
package enum LeftOut: String, CaseIterable, Error {
    case finish = "ended otherwise than --finish asks"
    case model = "of another model"
    case short = "shorter than --min-chars"
    case long = "longer than --max-chars"
    case unanswered = "without a response"
    case noValue = "without a value (`retort check` looks for values in stored answers)"
    case notText = "with images or other parts that are not text (--for openai keeps those of the prompt)"
    case severalTurns = "with several turns, which alpaca has no place for (use messages)"
    case infill = "fill-in-the-middle records: not a chat (use --format text or alpaca)"
    case toolCalls = "with tools or tool calls, for which the format has no place (use messages)"
    case otherCalls = "with calls that are not of a function, or in the older form of function_call"
    case otherParts = "with turns that hold a refusal, audio or images beside the text"
    case condition = "that --where does not take"
    case repeated = "with the text of an earlier sample (--unique)"
    case notBest = "that are not the best of their item (--best-of)"
    case late = "written while the export was under way"
}
