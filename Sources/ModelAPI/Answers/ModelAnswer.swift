internal import JSONText

/// A model's answer, still in the escaped form in which it arrived: tokens are copied into records without decoding.
///
/// An immutable object: only a reference is passed around.
public final class ModelAnswer: Sendable {
    /// The body as received; slices of this value usually share its storage.
    public let body: [UInt8]
    /// The answer's text as a JSON string with its quotes; `""` if there is none.
    public let responseRaw: ArraySlice<UInt8>
    /// The separate reasoning as a JSON string with its quotes; `""` if there is none.
    public let reasoningRaw: ArraySlice<UInt8>
    /// The JSON array of tool calls, if there is one.
    public let toolCallsRaw: ArraySlice<UInt8>?
    /// The finish reason, in OpenAI's words (`stop`, `length`, `tool_calls`, ...); empty if unknown.
    public let finishReason: String
    /// The model that answered, as a JSON string with its quotes; `""` if unknown.
    public let modelRaw: ArraySlice<UInt8>
    public let usage: TokenUsage
    /// The cost stated by the provider, in nanodollars; it takes precedence over token prices.
    public let costStatedNanodollars: Int?
    /// A JSON object of all parts of the answer that have no field of their own: further choices, `function_call`,
    /// `logprobs`, `audio`, images, annotations, signatures, unknown members. Nil if there are none.
    public let otherRaw: ArraySlice<UInt8>?
    /// Whether `otherRaw` contains output of the model, such as a call or an image, not only notes about the answer.
    public let hasOtherContent: Bool
    /// The checked JSON value in the text, as written by the model; nil if none was looked for.
    public let valueRaw: ArraySlice<UInt8>?
    /// The checker's name for how the value was found; empty if none was looked for.
    public let valueFound: String
    /// A verifier's verdict, a JSON object; nil if there is none.
    public let verdictRaw: ArraySlice<UInt8>?
    /// The source of an answer taken from an equal request, which cost nothing; nil: it was requested.
    public let reusedFrom: String?
    /// How it came together with other items' answers; nil: alone. If set, `usage` and the stated cost are its part of
    /// the bill.
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

    /// The answer with these parts replaced.
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

    /// The answer for another item with the same request: without usage and cost.
    public func reused(
        from place: String, verdict: ArraySlice<UInt8>? = nil, other: ArraySlice<UInt8>? = nil
    ) -> ModelAnswer {
        ModelAnswer(
            body: body, responseRaw: responseRaw, reasoningRaw: reasoningRaw, toolCallsRaw: toolCallsRaw,
            finishReason: finishReason, modelRaw: modelRaw, usage: TokenUsage(), costStatedNanodollars: 0,
            otherRaw: other ?? otherRaw, hasOtherContent: hasOtherContent, valueRaw: valueRaw, valueFound: valueFound,
            verdictRaw: verdict ?? verdictRaw, reusedFrom: place)
    }

    /// Whether the model gave nothing usable: no text except white space, no tool call, no part of another kind.
    /// Reasoning alone is not usable.
    public var isEmpty: Bool { toolCallsRaw == nil && !hasOtherContent && JSONString.isBlank(responseRaw) }

    /// The JSON text `""`.
    public static let emptyString: ArraySlice<UInt8> = [0x22, 0x22]
}
