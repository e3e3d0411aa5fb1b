internal import Basics

/// A provider's limits for one batch.
public struct BatchLimits: Sendable, Hashable {
    public var requestsMax: Int
    /// Of the file, or of the body with all requests.
    public var bytesMax: Int
    /// Maximum estimated tokens of all batches in progress; nil: the provider reports when there are too many.
    public var tokensMax: Int?

    public init(requestsMax: Int, bytesMax: Int, tokensMax: Int? = nil) {
        self.requestsMax = requestsMax
        self.bytesMax = bytesMax
        self.tokensMax = tokensMax
    }

    /// 50,000 requests and 200 MB (https://platform.openai.com/docs/guides/batch).
    public static let openAI = BatchLimits(requestsMax: 50_000, bytesMax: 200_000_000)
    /// 100,000 requests and 256 MB (https://docs.anthropic.com/en/docs/build-with-claude/batch-processing).
    public static let anthropic = BatchLimits(requestsMax: 100_000, bytesMax: 256_000_000)
    /// A million requests and 512 MB (https://docs.mistral.ai/capabilities/batch/).
    public static let mistral = BatchLimits(requestsMax: 1_000_000, bytesMax: 512_000_000)
    /// A file of 2 GB (https://ai.google.dev/gemini-api/docs/batch-api); the maximum number of requests is not
    /// documented.
    public static let gemini = BatchLimits(requestsMax: 50_000, bytesMax: 2_000_000_000)
    /// 50,000 requests and 100 MB (https://console.groq.com/docs/batch, https://docs.together.ai/docs/batch-inference).
    public static let small = BatchLimits(requestsMax: 50_000, bytesMax: 100_000_000)
}

/// The size of a batch while it is packed. A value.
public struct PackMeter: Sendable, Hashable {
    public private(set) var requests = 0
    public private(set) var bytes: Int
    public private(set) var tokens = 0
    private let limits: BatchLimits
    private let separatorBytes: Int

    /// - Parameter frameBytes: bytes before and after all lines.
    public init(_ limits: BatchLimits, frameBytes: Int, separatorBytes: Int) {
        self.limits = limits
        self.separatorBytes = separatorBytes
        bytes = frameBytes
    }

    /// Whether a line fits. The first one always does: if it is too large, the provider rejects it.
    public func fits(bytes line: Int, tokens more: Int) -> Bool {
        if requests == 0 { return true }
        guard requests < limits.requestsMax,
            bytes.addingSaturated(separatorBytes).addingSaturated(line) <= limits.bytesMax
        else { return false }
        return limits.tokensMax.map { tokens.addingSaturated(more) <= $0 } ?? true
    }

    public mutating func add(bytes line: Int, tokens more: Int) {
        bytes = bytes.addingSaturated(line).addingSaturated(requests > 0 ? separatorBytes : 0)
        requests += 1
        tokens = tokens.addingSaturated(max(0, more))
    }
}
