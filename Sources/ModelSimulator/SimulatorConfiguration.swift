public import Basics

/// All settings of a simulator. With the defaults the server answers at once and never fails.
public struct SimulatorConfiguration: Sendable, Hashable {
    /// How a 429 reports when to retry.
    public enum RetryAfterForm: String, Sendable, Hashable, CaseIterable {
        /// `retry-after: 2`, rounded up to whole seconds.
        case seconds
        /// `retry-after: Fri, 20 Nov 2026 08:00:00 GMT`, with a `date` header.
        case date
        /// `retry-after-ms: 1500` together with `retry-after` in seconds, as OpenAI sends them.
        case milliseconds
    }

    /// Determines texts, latencies and faults: the same seed and requests give the same results.
    public var seed: UInt64 = 1

    /// The models that exist. Empty: every name is accepted.
    public var models: [String] = []

    /// The key that `Authorization: Bearer` must carry. Nil: no key is required.
    public var apiKey: String?

    /// The length of an answer in tokens. The default has a mean of 150.
    public var answerTokens: Distribution = .lognormal(median: 132, sigma: 0.5)

    /// The length of `reasoning_content` before an answer, in tokens. Nil: no reasoning.
    public var reasoningTokens: Distribution?

    /// Seconds before an answer, or before the first token of a stream.
    public var latency: Distribution = .fixed(0)

    /// Time per token of the answer and its reasoning, added to the latency.
    public var timePerToken: Interval = .zero

    /// The faults of requests.
    public var faults: FaultPlan = .none

    /// The faults of answers that should be JSON.
    public var jsonFaults = JSONFaultPlan()

    /// The supported request members for an answer's form; others are ignored.
    public var schemaForms = SchemaForm.usual

    /// The delay that the fault `429` reports. A real rate limit reports when it really ends.
    public var retryAfter: Interval = .seconds(1)
    public var retryAfterForm: RetryAfterForm = .seconds

    /// The minimum text size for the fault `huge`, in bytes.
    public var hugeBytes = 64 * 1024 * 1024

    /// The factor by which the fault `slow` extends the latency. An answer without latency counts as 100 ms.
    public var slowFactor = 10.0

    /// Maximum requests per minute. Nil: no limit.
    public var requestsPerMinute: Int?

    /// Maximum tokens per minute, prompts and answers together. Nil: no limit.
    public var tokensPerMinute: Int?

    /// Maximum requests that can pass at once after an idle period. Nil: one minute's worth, as in hosted services.
    public var requestsAtOnce: Int?

    /// Whether the limits are reported: `x-ratelimit-*` with every reply, `retry-after` with a 429. Many gateways do
    /// not.
    public var tellsLimits = true

    /// Whether to keep a tally per item, which costs about 50 bytes per item. Without it memory stays constant, the
    /// counts of items are zero, and every request counts as the next attempt of a single item.
    public var remembersItems = true

    /// How requests for the flex tier are treated.
    public var flexTier = FlexTier.served

    /// Whether to count the maximum requests in any second and any minute. It costs eight bytes for each request of the
    /// last minute, twice.
    public var countsWindows = false

    /// How long a batch takes, from its creation to its results.
    public var batchDuration: Interval = .zero

    /// The faults of batches.
    public var batchFaults = BatchFaultPlan.none

    /// Maximum requests of a batch; a larger one is rejected. The default is OpenAI's limit.
    public var batchRequestsMax = 50_000

    /// Maximum connections at once; further ones are closed when they arrive.
    public var connectionsMax = 60_000

    public init() {}

    /// Checks the ranges of the settings. Throws a configuration error that names the setting.
    func validate() throws(RetortError) {
        func require(_ holds: Bool, _ setting: String, _ remedy: String) throws(RetortError) {
            guard holds else {
                throw RetortError(.configuration, "\(setting) is out of range", remedy: remedy)
            }
        }
        try require(requestsPerMinute ?? 1 > 0, "the limit of requests per minute", "Give at least 1, or no limit.")
        try require(tokensPerMinute ?? 1 > 0, "the limit of tokens per minute", "Give at least 1, or no limit.")
        try require(requestsAtOnce ?? 1 > 0, "the requests at once", "Give at least 1, or none.")
        try require(slowFactor.isFinite && slowFactor >= 1, "the factor of slow answers", "Give at least 1.")
        try require(
            hugeBytes >= 0 && hugeBytes <= Self.hugeBytesMax, "the size of huge answers",
            "Give at most \(Self.hugeBytesMax) bytes.")
        try require(connectionsMax > 0, "the number of connections", "Give at least 1.")
        try require(batchDuration >= .zero && batchRequestsMax > 0, "a limit of batches", "Give at least 1.")
        try require(timePerToken >= .zero && retryAfter >= .zero, "a time", "Times cannot be negative.")
        for (quantity, name) in [(latency, "the latency"), (answerTokens, "the length of answers")] {
            try require(quantity.mean.isFinite && quantity.mean >= 0, name, "Give a finite number, not negative.")
        }
    }

    /// A body of this size is one allocation that every machine can still make.
    static let hugeBytesMax = 1 << 30
}
