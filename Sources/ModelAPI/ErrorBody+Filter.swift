/// How providers say that a filter rejected a prompt.
extension ErrorBody {
    /// Whether a filter rejected the prompt.
    var isContentFilter: Bool { isFlagged || names(Self.filterCodes) || saysOrQuotes(Self.filterWords) }

    private static let filterCodes = [
        "content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation", "moderation",
        "moderation_blocked", "sensitive_words_detected", "prohibited_content",
        // DashScope and Zhipu.
        "data_inspection_failed", "DataInspectionFailed", "1301",
    ]

    /// Of messages, in lower case.
    private static let filterWords = [
        "requires moderation", "content exists risk", "flagged as potentially violating", "content management policy",
        "content filtering policy", "inappropriate content", "input was flagged", "considered high risk",
        "violates our usage polic", "rejected by the safety system", "rejected as a result of our safety system",
        // Chinese: sensitive content.
        "\u{654F}\u{611F}\u{5185}\u{5BB9}",
    ]
}
