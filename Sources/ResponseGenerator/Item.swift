public import Basics
public import ModelAPI

/// One unit of work: a request, and the caller's context.
public struct Item<Context: Sendable>: Sendable {
    public var request: ModelRequest
    /// Opaque to the generator; returned with the outcome.
    public var context: Context
    /// Tokens that rate limits reserve before the request is sent (`TokenEstimate`).
    public var estimatedTokens: Int
    /// The request's worst-case cost, in nanodollars; 0 without a budget.
    public var costMax: Int
    /// The prices of its tokens.
    public var price: TokenPrice
    /// Attempts of earlier runs, added to this run's in the outcome.
    public var priorAttempts: Int
    /// What earlier runs paid for it; nil: nothing.
    public var history: ItemHistory?
    /// Whether the item names a model other than the run's: if the API does not know it, that says nothing about other
    /// items.
    public var namesModel: Bool
    /// The requested model, as the user calls it; empty if unknown.
    public var model = ""
    /// Items with equal keys may share an answer; nil: the item is always sent.
    public var reuseKey: ReuseKey?
    /// The request for this item together with its neighbours; nil: it is sent alone, as `request`. An item that
    /// continues with further rounds is sent alone.
    public var shared: SharedRequest?

    public init(
        request: ModelRequest, context: Context, estimatedTokens: Int = 0, costMax: Int = 0,
        price: TokenPrice = .free, priorAttempts: Int = 0, namesModel: Bool = false
    ) {
        self.namesModel = namesModel
        self.request = request
        self.context = context
        self.costMax = costMax
        self.price = price
        self.estimatedTokens = estimatedTokens
        self.priorAttempts = priorAttempts
    }
}

/// The rounds of an item in earlier runs. An object, because few items have any and every item is copied several times.
public final class ItemHistory: Sendable {
    public let rounds: RoundsSoFar
    /// Corrections that a stage requested.
    public let corrections: Int
    /// Further rounds that a verifier requested.
    public let rejections: Int
    /// An answer that is stored as a round and has not been judged: it is judged before anything is sent.
    public let held: HeldAnswer?
    /// The answer with the best score among those that a verifier rejected.
    public let best: RejectedAnswer?

    public init(
        rounds: RoundsSoFar, corrections: Int = 0, rejections: Int = 0, held: HeldAnswer? = nil,
        best: RejectedAnswer? = nil
    ) {
        self.rounds = rounds
        self.corrections = corrections
        self.rejections = rejections
        self.held = held
        self.best = best
    }
}

/// What is recorded for an item. It has one outcome, or none if the run stopped first: then it is still pending. Before
/// that it may have rounds: billed answers that are not its outcome.
public struct Outcome<Context: Sendable>: Sendable {
    public var context: Context
    public var result: OutcomeResult
    /// Requests sent for the item, including earlier runs.
    public var attempts: Int
    /// Latency of the last attempt, from dispatch to the last byte.
    public var latency: Interval
    /// When the last attempt's result was processed.
    public var finishedAt: Instant
    /// For a stream, the time from dispatch to the first piece of the answer; nil if it was not measured.
    public var firstToken: Interval?
    /// The item's rounds so far, including earlier runs.
    public var rounds: RoundsSoFar
    /// The index of the endpoint that got the last request.
    public var endpoint: Int

    public init(
        context: Context, result: OutcomeResult, attempts: Int, latency: Interval, finishedAt: Instant,
        rounds: RoundsSoFar = RoundsSoFar(), endpoint: Int = 0
    ) {
        self.endpoint = endpoint
        self.rounds = rounds
        self.context = context
        self.result = result
        self.attempts = attempts
        self.latency = latency
        self.finishedAt = finishedAt
    }
}

/// A reference in each case, so that it is cheap to pass on.
public enum OutcomeResult: Sendable {
    case answer(ModelAnswer)
    indirect case failure(ItemFailure)
    /// Not an outcome: the item is sent again. The sink gets the round before the next request is sent.
    indirect case round(ItemRound)
    /// Not an outcome either: a verifier's verdict on a round.
    indirect case opinion(ItemOpinion)
}

/// A billed answer that is not an outcome.
public struct ItemRound: Sendable {
    /// Counted from 1 over the life of the item.
    public var number: UInt32
    /// The request.
    public var request: ModelRequest
    /// Corrections that a stage had requested before.
    public var corrections: Int
    /// Further rounds that a verifier had requested before.
    public var rejections: Int
    /// Whether a verifier has yet to judge the answer, which may become the outcome.
    public var isUnjudged: Bool
    /// Whether another answer to the same request came first.
    public var isDuplicate = false
    /// Why the answer is not an outcome, with the reply as in a failure.
    public var failure: ItemFailure

    public init(
        number: UInt32, request: ModelRequest, corrections: Int = 0, rejections: Int = 0, isUnjudged: Bool = false,
        failure: ItemFailure
    ) {
        self.rejections = rejections
        self.isUnjudged = isUnjudged
        self.number = number
        self.request = request
        self.corrections = corrections
        self.failure = failure
    }
}

/// Why an item failed, with details for debugging.
public struct ItemFailure: Error, Sendable {
    public var failureClass: FailureClass
    public var message: String
    /// The HTTP status of the last attempt; 0 if there was no reply.
    public var status: Int
    /// The body of the last attempt, truncated at `bodyBytesMax` unless it is a rejected answer.
    public var body: [UInt8]
    /// The answer of the last attempt, if it was complete and rejected.
    public var answer: ModelAnswer?
    /// The bill of the last attempt; nil if nothing was billed, or if a round states it.
    public var bill: Bill?
    /// A verifier's verdict, a JSON object; empty if there is none.
    public var verdict: [UInt8]

    /// Maximum bytes of a failed attempt's body that are kept.
    public static let bodyBytesMax = 64 * 1024

    public init(
        _ failureClass: FailureClass, _ message: String, status: Int = 0, body: [UInt8] = [],
        answer: ModelAnswer? = nil, bill: Bill? = nil, verdict: [UInt8] = []
    ) {
        self.verdict = verdict
        self.answer = answer
        self.bill = bill
        self.failureClass = failureClass
        self.message = message
        self.status = status
        self.body = body
    }
}
