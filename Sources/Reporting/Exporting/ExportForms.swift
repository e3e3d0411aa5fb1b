/// The forms in which a dataset is handed on. The raw values are the words of `--format`.
package enum ExportFormat: String, CaseIterable {
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
    /// The values of checked answers, one a line.
    case json
}

/// What the file holds.
package enum ExportContainer: String {
    /// A JSON value a line.
    case lines
    case csv, parquet
}

/// What becomes of the model's reasoning.
package enum ReasoningForm: String, CaseIterable {
    case drop
    /// In a member of its own: `reasoning_content` of the assistant's turn, or `reasoning` of the line.
    case keep
    /// Before the response, between `<think>` and `</think>`.
    case think
}

/// Which program the turns of `messages` are for. The raw values are the words of `--for`.
package enum ExportTarget: String, CaseIterable {
    /// Every turn has the same members, null where it has no value; `tools` is JSON text. What `datasets` can load always,
    /// and TRL takes.
    case trl
    /// Every turn has the members it has a value for, `tools` is a list, and parts of a content stay parts.
    case openai
}

/// Which fields of the rows come along.
package enum MetadataForm: Hashable {
    case none
    /// All of them, as JSON text.
    case all
    /// Each of these as a member of the line.
    case fields([String])
}

/// Why a record has no line in the export.
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
