public import Basics
public import ModelAPI

/// One unit of work: a request, and what the caller needs to recognise it by.
public struct Item<Context: Sendable>: Sendable {
    public var request: ModelRequest
    /// Opaque here; comes back with the outcome.
    public var context: Context
    /// What rate limits by tokens reserve before the request goes out (`TokenEstimate`).
    public var estimatedTokens: Int
    /// What the request may cost at worst, in nanodollars; 0 where there is no budget.
    public var costMax: Int
    /// What its tokens cost.
    public var price: TokenPrice
    /// Attempts of earlier runs, added to this run's in the outcome.
    public var priorAttempts: Int
    /// What the rounds of earlier runs were.
    public var priorRounds: RoundsSoFar
    /// How often a stage has asked again for the item in earlier runs.
    public var priorCorrections: Int
    /// How often a verifier has asked again for the item in earlier runs.
    public var priorRejections: Int
    /// An answer of an earlier run that is a round on disk and has still to be judged: it is judged before anything is asked.
    public var held: HeldAnswer?
    /// Of the answers of earlier runs that a verifier rejected, the one with the best score.
    public var priorBest: RejectedAnswer?
    /// Whether the item names a model other than the run's: that the API does not know it says nothing of other items.
    public var namesModel: Bool
    /// The model that is asked, as the user calls it; empty where it is not known.
    public var model = ""
    /// Items with the same one may have one answer; nil: the item is asked in any case.
    public var reuseKey: ReuseKey?
    /// The request that asks for this item and the ones beside it together; nil: it is asked alone, as by `request`. An
    /// item that goes on with rounds is asked alone.
    public var shared: SharedRequest?

    public init(
        request: ModelRequest, context: Context, estimatedTokens: Int = 0, costMax: Int = 0,
        price: TokenPrice = .free, priorAttempts: Int = 0, namesModel: Bool = false
    ) {
        self.namesModel = namesModel
        priorRounds = RoundsSoFar()
        priorCorrections = 0
        priorRejections = 0
        self.request = request
        self.context = context
        self.costMax = costMax
        self.price = price
        self.estimatedTokens = estimatedTokens
        self.priorAttempts = priorAttempts
    }
}

/// What is to be recorded of an item. It has one outcome, or none when the run stopped before: then it is still pending.
/// Before it, it may have rounds: answers that were billed and are not its outcome.
public struct Outcome<Context: Sendable>: Sendable {
    public var context: Context
    public var result: OutcomeResult
    /// Requests made for the item, earlier runs included.
    public var attempts: Int
    /// Of the last attempt, from dispatch to the last byte.
    public var latency: Interval
    /// When the last attempt's result was taken up.
    public var finishedAt: Instant
    /// Of a stream, from dispatch to the first piece of the answer; nil where that was not looked for.
    public var firstToken: Interval?
    /// The item's rounds so far, earlier runs included.
    public var rounds: RoundsSoFar
    /// The place among the run's endpoints of the one that got the last request.
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

public enum OutcomeResult: Sendable {
    case answer(ModelAnswer)
    case failure(ItemFailure)
    /// No outcome: the item is asked again. The sink has it before the next request goes out.
    case round(ItemRound)
    /// No outcome either: what a verifier said of a round.
    case opinion(ItemOpinion)
}

/// An answer that was billed and is no outcome.
public struct ItemRound: Sendable {
    /// Counted from 1 over the life of the item.
    public var number: UInt32
    /// What was asked.
    public var request: ModelRequest
    /// How often a stage had asked again before.
    public var corrections: Int
    /// How often a verifier had asked again before.
    public var rejections: Int
    /// Whether a verifier has still to judge the answer: it may become the outcome.
    public var isUnjudged: Bool
    /// Whether another answer to the same request came first.
    public var isDuplicate = false
    /// Why the answer is no outcome, and the reply as a failure would keep it.
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

/// Why an item failed, with what is needed to debug it.
public struct ItemFailure: Error, Sendable {
    public var failureClass: FailureClass
    public var message: String
    /// The HTTP status of the last attempt; 0 when there was no reply.
    public var status: Int
    /// The body of the last attempt, cut at `bodyBytesMax` unless it is an answer that was rejected.
    public var body: [UInt8]
    /// The answer of the last attempt, where it was a whole one that was rejected.
    public var answer: ModelAnswer?
    /// What the last attempt was billed; nil when nothing was, or when a round says it.
    public var bill: Bill?
    /// What a verifier said, a JSON object; empty where none did.
    public var verdict: [UInt8]

    /// Bytes of a failed attempt's body that are kept.
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
