internal import JSONText

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
    /// What the provider says the answer cost, in nanodollars; it takes precedence over a price per token.
    public let costStatedNanodollars: Int?
    /// A JSON object of every part of the answer that has no field of its own: further choices, `function_call`,
    /// `logprobs`, `audio`, images, annotations, signatures, what is unknown. Nil when there is none.
    public let otherRaw: ArraySlice<UInt8>?
    /// Whether `otherRaw` holds something the model said, such as a call or an image, not only notes about the answer.
    public let hasOtherContent: Bool
    /// The JSON value that the text was checked to hold, as the model wrote it; nil where none was looked for.
    public let valueRaw: ArraySlice<UInt8>?
    /// How the value was found, in the checker's word for it; empty where none was looked for.
    public let valueFound: String
    /// What a verifier said of it, a JSON object; nil where none has judged it.
    public let verdictRaw: ArraySlice<UInt8>?
    /// Where the answer was taken from, when it is that of an equal request and nothing was paid for it; nil: it was asked for.
    public let reusedFrom: String?
    /// How it came with the answers of other items; nil: alone. Then `usage` and the stated cost are its part of the bill.
    public let share: AnswerShare?

    public init(
        body: [UInt8], responseRaw: ArraySlice<UInt8> = emptyString, reasoningRaw: ArraySlice<UInt8> = emptyString,
        toolCallsRaw: ArraySlice<UInt8>? = nil, finishReason: String = "",
        modelRaw: ArraySlice<UInt8> = emptyString, usage: TokenUsage = TokenUsage(), costStatedNanodollars: Int? = nil,
        otherRaw: ArraySlice<UInt8>? = nil, hasOtherContent: Bool = false, valueRaw: ArraySlice<UInt8>? = nil,
        valueFound: String = "", verdictRaw: ArraySlice<UInt8>? = nil, reusedFrom: String? = nil,
        share: AnswerShare? = nil
    ) {
        self.share = share
        self.reusedFrom = reusedFrom
        self.verdictRaw = verdictRaw
        self.body = body
        self.responseRaw = responseRaw
        self.reasoningRaw = reasoningRaw
        self.toolCallsRaw = toolCallsRaw
        self.finishReason = finishReason
        self.modelRaw = modelRaw
        self.usage = usage
        self.costStatedNanodollars = costStatedNanodollars
        self.otherRaw = otherRaw
        self.hasOtherContent = hasOtherContent
        self.valueRaw = valueRaw
        self.valueFound = valueFound
    }

    /// The same answer with these parts in place of its own.
    public func with(
        body: [UInt8]? = nil, response: ArraySlice<UInt8>? = nil, reasoning: ArraySlice<UInt8>? = nil,
        toolCalls: ArraySlice<UInt8>? = nil, value: ArraySlice<UInt8>? = nil, found: String? = nil,
        verdict: ArraySlice<UInt8>? = nil, share: AnswerShare? = nil
    ) -> ModelAnswer {
        let share = share ?? self.share
        return ModelAnswer(
            body: body ?? self.body, responseRaw: response ?? responseRaw, reasoningRaw: reasoning ?? reasoningRaw,
            toolCallsRaw: toolCalls ?? toolCallsRaw, finishReason: finishReason, modelRaw: modelRaw,
            usage: share?.bill.usage ?? usage,
            costStatedNanodollars: share.map(\.bill.costStatedNanodollars) ?? costStatedNanodollars,
            otherRaw: otherRaw, hasOtherContent: hasOtherContent, valueRaw: value ?? valueRaw,
            valueFound: found ?? valueFound, verdictRaw: verdict ?? verdictRaw, reusedFrom: reusedFrom, share: share)
    }

    /// The same answer for another item that asks the same: it has used and cost nothing.
    public func reused(
        from place: String, verdict: ArraySlice<UInt8>? = nil, other: ArraySlice<UInt8>? = nil
    ) -> ModelAnswer {
        ModelAnswer(
            body: body, responseRaw: responseRaw, reasoningRaw: reasoningRaw, toolCallsRaw: toolCallsRaw,
            finishReason: finishReason, modelRaw: modelRaw, usage: TokenUsage(), costStatedNanodollars: 0,
            otherRaw: other ?? otherRaw, hasOtherContent: hasOtherContent, valueRaw: valueRaw, valueFound: valueFound,
            verdictRaw: verdict ?? verdictRaw, reusedFrom: place)
    }

    /// Whether the model gave nothing to use: no text but white space, no tool call, no part of another kind. Reasoning
    /// alone is no answer to use.
    public var isEmpty: Bool { toolCallsRaw == nil && !hasOtherContent && JSONString.isBlank(responseRaw) }

    /// The JSON text `""`.
    public static let emptyString: ArraySlice<UInt8> = [0x22, 0x22]
}
