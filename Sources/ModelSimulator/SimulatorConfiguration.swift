public import Basics

/// Everything a simulator does, as a value. The defaults are a server that answers at once and never fails.
public struct SimulatorConfiguration: Sendable, Hashable {
    /// How a 429 says when to come back.
    public enum RetryAfterForm: String, Sendable, Hashable, CaseIterable {
        /// `retry-after: 2`, rounded up to whole seconds.
        case seconds
        /// `retry-after: Fri, 20 Nov 2026 08:00:00 GMT`, with a `date` header beside it.
        case date
        /// `retry-after-ms: 1500`, and `retry-after` in seconds beside it, as OpenAI sends both.
        case milliseconds
    }

    /// Decides texts, latencies and faults: the same seed and the same requests give the same run.
    public var seed: UInt64 = 1

    /// The models that exist. Empty: every name does.
    public var models: [String] = []

    /// The key that `Authorization: Bearer` must carry. Nil: nobody is asked.
    public var apiKey: String?

    /// Tokens of an answer. The default has a mean of 150.
    public var answerTokens: Distribution = .lognormal(median: 132, sigma: 0.5)

    /// Tokens of `reasoning_content` before an answer. Nil: there is none.
    public var reasoningTokens: Distribution?

    /// Seconds before an answer, or before the first token of a stream.
    public var latency: Distribution = .fixed(0)

    /// Time for each token of the answer and its reasoning, on top of the latency.
    public var timePerToken: Interval = .zero

    /// What goes wrong.
    public var faults: FaultPlan = .none

    /// What is wrong with answers that are to be JSON.
    public var jsonFaults = JSONFaultPlan()

    /// What requests may say of an answer's form; the rest is ignored.
    public var schemaForms = SchemaForm.usual

    /// What the fault `429` tells the client to wait. A limit that is really reached says when it really ends.
    public var retryAfter: Interval = .seconds(1)
    public var retryAfterForm: RetryAfterForm = .seconds

    /// The least bytes of text of the fault `huge`.
    public var hugeBytes = 64 * 1024 * 1024

    /// How many times longer the fault `slow` takes. An answer without latency counts as one of 100 ms.
    public var slowFactor = 10.0

    /// Requests a minute. Nil: no limit.
    public var requestsPerMinute: Int?

    /// Tokens a minute, of prompts and answers together. Nil: no limit.
    public var tokensPerMinute: Int?

    /// Requests that a limit lets pass at once after a rest. Nil: a minute's worth, as hosted services do.
    public var requestsAtOnce: Int?

    /// Whether the limits are told: `x-ratelimit-*` with every reply, `retry-after` with a refusal. Many gateways don't.
    public var tellsLimits = true

    /// Whether to remember each item. It costs about 50 bytes an item; without it memory stays flat, the counts of items
    /// are zero, and every request counts as the next attempt of one and the same item.
    public var remembersItems = true

    /// What becomes of requests for the flexible tier.
    public var flexTier = FlexTier.served

    /// Whether to count the most requests in any second and any minute. It costs eight bytes for each request of the last
    /// minute, twice.
    public var countsWindows = false

    /// How long a batch takes, from its creation to its results.
    public var batchDuration: Interval = .zero

    /// What goes wrong with batches.
    public var batchFaults = BatchFaultPlan.none

    /// Requests of a batch; one with more is refused. OpenAI's limit.
    public var batchRequestsMax = 50_000

    /// Connections at once; more are closed as they come.
    public var connectionsMax = 60_000

    public init() {}

    /// Refuses what cannot be meant. Throws a configuration error that names the setting.
    func validate() throws(RetortError) {
        func require(_ holds: Bool, _ setting: String, _ remedy: String) throws(RetortError) {
            guard holds else {
                throw RetortError(.configuration, "\(setting) is out of range", remedy: remedy)
            }
        }
        try require(requestsPerMinute ?? 1 > 0, "the limit of requests a minute", "Give at least 1, or no limit.")
        try require(tokensPerMinute ?? 1 > 0, "the limit of tokens a minute", "Give at least 1, or no limit.")
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

    /// A body of this size is still one allocation that every machine can make.
    static let hugeBytesMax = 1 << 30
}
