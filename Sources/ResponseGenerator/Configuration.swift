public import Basics
public import ModelAPI

extension GeneratorConfiguration {
    /// Default for the attempts of an item in one run.
    public static let attemptsMaxDefault = 5
    /// Default for the requests in flight.
    public static let concurrencyDefault = 64
    /// Maximum requests in flight, as covered by the tests.
    public static let concurrencyMax = 100_000
    /// How long the server may be down before the run stops.
    public static let outageMaxDefault = Interval.seconds(15 * 60)
    /// Default for the equal refusals without a success that end a run.
    public static let refusalsMaxDefault = 32
    /// Largest permitted value for the number of equal refusals.
    public static let refusalsMaxMax = 1_000_000
}

/// Settings of a generator.
public struct GeneratorConfiguration: Sendable {
    /// Maximum requests in flight, from 1.
    public var concurrency = concurrencyDefault
    /// Whether the concurrency grows from a small value instead of starting at the maximum.
    public var isConcurrencyAutomatic = false
    /// Maximum attempts of an item in this run, from 1.
    public var attemptsMax = attemptsMaxDefault
    public var limits = RateLimits()
    public var backoffBase = Interval.seconds(1)
    public var backoffCap = Interval.seconds(60)
    /// Number of items waiting for a retry from which no new ones are taken; nil: four times the concurrency, at least
    /// 1024.
    public var waitingMax: Int?
    /// An outage longer than this ends the run.
    public var outageMax = outageMaxDefault
    /// Number of equal refusals, without any success, that ends the run; 0: they never do.
    public var refusalsMax = refusalsMaxDefault
    /// Whether a refused item fails at once, so that none is held and no refusal stops the run: for servers, whose
    /// clients wait for a reply.
    public var refusalsAreOutcomes = false
    /// The servers if there are several; with fewer than two the generator has one transport.
    public var endpoints: [EndpointSettings] = []
    /// Whether earlier runs got answers from the same API with the same key and model.
    public var hasWorkedBefore = false
    /// The API's address for error messages; empty: none.
    public var server = ""
    /// Items of the whole run, if known, to estimate the time left.
    public var itemsTotal: Int?
    public var classifier = Classifier()
    /// Whether the sink takes rounds. If not, no record states their cost.
    public var keepsRounds = true
    /// Maximum answers that a verifier judges at a time; 0: there is none. Set from the run's verifier.
    var verifiedAnswersMax = 0
    /// Known answers; lets items with one `reuseKey` share an answer; nil: each item is sent.
    public var memory: (any AnswerMemory)?
    /// When stragglers get a duplicate request; nil: never.
    public var hedging: HedgeSettings?
    /// The money that may be spent; nil: no limit. With a budget, items state their worst-case cost.
    public var budget: Budget?
    /// Limits shared with other processes, in addition to this run's own.
    public var shared: (any SharedAllowance)?
    /// Seed of the jitter.
    public var seed: UInt64 = 0

    public init() {}

    var waitingLimit: Int { waitingMax ?? max(1024, 4 * concurrency) }

    /// Throws `.configuration` if a number is out of its range.
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
