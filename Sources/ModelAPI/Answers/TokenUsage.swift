internal import Basics

/// Token counts from the API; 0 if missing. Counts from an answer are between 0 and `countMax`.
public struct TokenUsage: Sendable, Hashable {
    /// Tokens read, including cached ones.
    public var prompt: Int
    /// Tokens written, including reasoning.
    public var completion: Int
    /// The part of `completion` spent on reasoning.
    public var reasoning: Int
    /// The part of `prompt` served from a cache.
    public var cached: Int
    /// Whether they were billed in the flexible tier (`service_tier`), according to the answer.
    public var isFlex = false

    /// Maximum tokens accepted for one answer: 2^40, about a million million. Nonsensical counts are clamped to it
    /// where they are read.
    public static let countMax = 1 << 40

    public init(prompt: Int = 0, completion: Int = 0, reasoning: Int = 0, cached: Int = 0) {
        self.prompt = prompt
        self.completion = completion
        self.reasoning = reasoning
        self.cached = cached
    }

    /// Saturates instead of overflowing.
    public var total: Int { prompt.addingSaturated(completion) }

    public static func += (sum: inout TokenUsage, other: TokenUsage) {
        sum.prompt = sum.prompt.addingSaturated(other.prompt)
        sum.completion = sum.completion.addingSaturated(other.completion)
        sum.reasoning = sum.reasoning.addingSaturated(other.reasoning)
        sum.cached = sum.cached.addingSaturated(other.cached)
    }
}
