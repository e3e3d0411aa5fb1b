internal import Basics

/// Tokens as the API counted them; 0 where it said nothing. Counts from an answer are within 0 and `countMax`.
public struct TokenUsage: Sendable, Hashable {
    /// Tokens read, cached ones included.
    public var prompt: Int
    /// Tokens written, reasoning included.
    public var completion: Int
    /// The part of `completion` spent on reasoning.
    public var reasoning: Int
    /// The part of `prompt` served from a cache.
    public var cached: Int
    /// Whether they were billed in the flexible tier (`service_tier`), as the answer says.
    public var isFlex = false

    /// The most tokens that one answer is believed to have: 2^40, about a million million. Servers that count nonsense
    /// are cut to this where their counts are read.
    public static let countMax = 1 << 40

    public init(prompt: Int = 0, completion: Int = 0, reasoning: Int = 0, cached: Int = 0) {
        self.prompt = prompt
        self.completion = completion
        self.reasoning = reasoning
        self.cached = cached
    }

    /// Never overflows: a sum that does not fit is the largest integer.
    public var total: Int { prompt.addingSaturated(completion) }

    public static func += (sum: inout TokenUsage, other: TokenUsage) {
        sum.prompt = sum.prompt.addingSaturated(other.prompt)
        sum.completion = sum.completion.addingSaturated(other.completion)
        sum.reasoning = sum.reasoning.addingSaturated(other.reasoning)
        sum.cached = sum.cached.addingSaturated(other.cached)
    }
}
