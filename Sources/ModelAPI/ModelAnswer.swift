/// What a model answered, still in the escaped form it arrived in: tokens are spliced into records without being decoded.
///
/// An immutable object: it passes through many hands, and a reference is all that moves.
public final class ModelAnswer: Sendable {
    /// The body as received; slices of this value usually share its storage.
    public let body: [UInt8]
    /// The answer's text as a JSON string with its quotes; `""` when the model gave none.
    public let responseRaw: ArraySlice<UInt8>
    /// The reasoning beside it as a JSON string with its quotes; `""` when there is none.
    public let reasoningRaw: ArraySlice<UInt8>
    /// The JSON array of tool calls, when there is one.
    public let toolCallsRaw: ArraySlice<UInt8>?
    /// Why the model ended, in OpenAI's words (`stop`, `length`, `tool_calls`, ...); empty when unsaid.
    public let finishReason: String
    /// The model that answered, as a JSON string with its quotes; `""` when unsaid.
    public let modelRaw: ArraySlice<UInt8>
    public let usage: TokenUsage

    public init(
        body: [UInt8], responseRaw: ArraySlice<UInt8> = emptyString, reasoningRaw: ArraySlice<UInt8> = emptyString,
        toolCallsRaw: ArraySlice<UInt8>? = nil, finishReason: String = "",
        modelRaw: ArraySlice<UInt8> = emptyString, usage: TokenUsage = TokenUsage()
    ) {
        self.body = body
        self.responseRaw = responseRaw
        self.reasoningRaw = reasoningRaw
        self.toolCallsRaw = toolCallsRaw
        self.finishReason = finishReason
        self.modelRaw = modelRaw
        self.usage = usage
    }

    /// The JSON text `""`.
    public static let emptyString: ArraySlice<UInt8> = [0x22, 0x22]
}

/// Tokens as the API counted them; 0 where it said nothing.
public struct TokenUsage: Sendable, Hashable {
    /// Tokens read, cached ones included.
    public var prompt: Int
    /// Tokens written, reasoning included.
    public var completion: Int
    /// The part of `completion` spent on reasoning.
    public var reasoning: Int
    /// The part of `prompt` served from a cache.
    public var cached: Int

    public init(prompt: Int = 0, completion: Int = 0, reasoning: Int = 0, cached: Int = 0) {
        self.prompt = prompt
        self.completion = completion
        self.reasoning = reasoning
        self.cached = cached
    }

    public var total: Int { prompt + completion }

    public static func += (sum: inout TokenUsage, other: TokenUsage) {
        sum.prompt += other.prompt
        sum.completion += other.completion
        sum.reasoning += other.reasoning
        sum.cached += other.cached
    }
}
