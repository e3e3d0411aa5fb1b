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
    /// Whether the item names a model other than the run's: that the API does not know it says nothing of other items.
    public var namesModel: Bool

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

/// How an item ended. Every item has one outcome, or none when the run stopped before: then it is still pending.
public struct Outcome<Context: Sendable>: Sendable {
    public var context: Context
    public var result: OutcomeResult
    /// Requests made for the item, earlier runs included.
    public var attempts: Int
    /// Of the last attempt, from dispatch to the last byte.
    public var latency: Interval
    /// When the last attempt's result was taken up.
    public var finishedAt: Instant

    public init(context: Context, result: OutcomeResult, attempts: Int, latency: Interval, finishedAt: Instant) {
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
}

/// Why an item failed, with what is needed to debug it.
public struct ItemFailure: Error, Sendable {
    public var failureClass: FailureClass
    public var message: String
    /// The HTTP status of the last attempt; 0 when there was no reply.
    public var status: Int
    /// The body of the last attempt, cut at `bodyBytesMax` unless it is an answer that was rejected.
    public var body: [UInt8]

    /// Bytes of a failed attempt's body that are kept.
    public static let bodyBytesMax = 64 * 1024

    public init(_ failureClass: FailureClass, _ message: String, status: Int = 0, body: [UInt8] = []) {
        self.failureClass = failureClass
        self.message = message
        self.status = status
        self.body = body
    }
}
