public import Basics
public import ModelAPI

extension GeneratorConfiguration {
    /// Attempts an item gets in one run.
    public static let attemptsMaxDefault = 5
    /// Requests in flight.
    public static let concurrencyDefault = 64
    /// Requests in flight that the tests cover.
    public static let concurrencyMax = 100_000
    /// How long the server may be down before the run stops.
    public static let outageMaxDefault = Interval.seconds(15 * 60)
    /// Equal refusals without a success that end a run.
    public static let refusalsMaxDefault = 32
    /// The largest number of equal refusals that can be allowed.
    public static let refusalsMaxMax = 1_000_000
}

/// How a run is driven.
public struct GeneratorConfiguration: Sendable {
    /// Requests in flight at most, from 1.
    public var concurrency = concurrencyDefault
    /// Find the concurrency from below instead of starting at the most.
    public var isConcurrencyAutomatic = false
    /// Attempts an item gets in this run, from 1.
    public var attemptsMax = attemptsMaxDefault
    public var limits = RateLimits()
    public var backoffBase = Interval.seconds(1)
    public var backoffCap = Interval.seconds(60)
    /// Items waiting for a retry at which no new ones are taken; nil: four times the concurrency, at least 1024.
    public var waitingMax: Int?
    /// A server that is down for longer ends the run.
    public var outageMax = outageMaxDefault
    /// Equal refusals, with no success so far, that end the run; 0: none do.
    public var refusalsMax = refusalsMaxDefault
    /// Whether a refused item has failed at once, whatever the refusal says of other items, so that none of them is held and
    /// none stops the run: a client waits for each.
    public var refusalsAreOutcomes = false
    /// The servers where there are several; with fewer than two the generator has one transport.
    public var endpoints: [EndpointSettings] = []
    /// Whether earlier runs had answers from the same API with the same key and model.
    public var hasWorkedBefore = false
    /// The API's address as errors name it; empty: they name none.
    public var server = ""
    /// Items of the whole run, when known, for the estimate of the time left.
    public var itemsTotal: Int?
    public var classifier = Classifier()
    /// Whether the sink takes rounds. If not, what they cost is in no record.
    public var keepsRounds = true
    /// Answers that a verifier judges at the same time; 0: none judges them. The run's verifier says so itself.
    var verifiedAnswersMax = 0
    /// What is known already, and makes items with one `reuseKey` share an answer; nil: each item is asked.
    public var memory: (any AnswerMemory)?
    /// When a straggler is sent a second time; nil: never.
    public var hedging: HedgeSettings?
    /// The money that may be spent; nil: no limit. Items then say what they may cost.
    public var budget: Budget?
    /// What this run shares with others; its own limits hold as well.
    public var shared: (any SharedAllowance)?
    /// Seed of the jitter.
    public var seed: UInt64 = 0

    public init() {}

    var waitingLimit: Int { waitingMax ?? max(1024, 4 * concurrency) }

    /// Throws `.configuration` when a number is out of its range.
    public func validate() throws(RetortError) {
        func check(_ isGood: Bool, _ message: String) throws(RetortError) {
            if !isGood { throw RetortError(.configuration, message) }
        }
        try check(
            (1...Self.concurrencyMax).contains(concurrency), "the concurrency must be from 1 to \(Self.concurrencyMax)")
        try check(
            endpoints.count <= EndpointSettings.countMax,
            "a run can have \(EndpointSettings.countMax) endpoints, not \(endpoints.count)")
        for endpoint in endpoints {
            try check(
                endpoint.weight >= 1 / EndpointSettings.weightMax && endpoint.weight <= EndpointSettings.weightMax,
                "the weight of an endpoint must be from 0.001 to 1000: \(endpoint.name)")
        }
        try check(attemptsMax >= 1, "at least one attempt is needed")
        let rates = ([limits] + endpoints.map(\.limits)).flatMap {
            [$0.requestsPerSecond, $0.requestsPerMinute, $0.tokensPerMinute]
        }
        try check(rates.allSatisfy { $0.map { $0 > 0 && $0.isFinite } ?? true }, "a rate limit must be above zero")
        try check((limits.spacing ?? .zero) >= .zero, "the time between dispatches must not be negative")
        try check(backoffBase > .zero && backoffCap >= backoffBase, "the backoff must be above zero and below its cap")
        try check(
            (0...Self.refusalsMaxMax).contains(refusalsMax),
            "the refusals allowed must be from 0 to \(Self.refusalsMaxMax)")
        if let hedging {
            try check(
                HedgeSettings.quantileBounds.contains(hedging.quantile),
                "the quantile of stragglers must be from 0.5 to 0.999")
            try check((0...1).contains(hedging.budgetShare), "the share of duplicates must be from 0 to 1")
        }
        try check(waitingLimit >= 1, "at least one item must be allowed to wait for its retry")
    }
}
