internal import Basics
internal import ModelAPI

/// An item inside the generator, without its context, so that all parts of the generator use one concrete type.
///
/// Only the run loop changes its mutable state, and the request only while no attempt is in progress.
class Ticket: @unchecked Sendable {
    let serial: UInt64
    let price: TokenPrice
    let namesModel: Bool
    /// The requested model, as the user calls it.
    let model: String
    /// Attempts of earlier runs, and of this run for earlier requests.
    final var priorAttempts: Int
    /// The current request; changes when a stage asks for a correction.
    final var request: ModelRequest
    final var estimatedTokens: Int
    final var costMax: Int
    final var rounds: RoundsSoFar
    /// Corrections that stages have requested.
    final var corrections: Int
    /// Further rounds that a verifier has requested.
    final var rejections: Int
    /// The answer that waits for the verifier; the sink has it as a round.
    final var held: HeldAnswer?
    final var heldBytes: Int { held?.answer.body.count ?? 0 }
    /// The rejected answer with the best score.
    final var best: RejectedAnswer?

    /// Attempts of this request that counted in this run.
    final var attempts = 0
    /// How many of them the server answered with 429.
    final var refusals = 0
    /// The number that `AdaptiveConcurrency` gave the request in flight.
    final var dispatchNumber: UInt64 = 0
    final var dispatchedAt = Instant(nanoseconds: 0)
    /// Its index in `Flights`.
    final var place = 0
    final var isProbe = false
    /// The endpoint of the last request, and a mask of endpoints to avoid next.
    final var endpoint = 0
    final var avoids: UInt64 = 0
    /// Attempts after which the item moved to another endpoint at once: those answered with 429, and the others.
    final var movesAfterRefusal = 0
    final var movesAfterFailure = 0
    /// How many times in a row it was the probe.
    final var probes = 0
    /// The failure class for which it waits for a retry.
    final var waitsAfter: FailureClass?
    /// Items with equal keys may share an answer.
    final var reuseKey: ReuseKey?
    /// The shared request to send it with, until that is sent.
    final var shared: SharedRequest?
    /// The items of a shared request, if it is one.
    final var group: TicketGroup?
    /// The group's attempts that count for this item.
    final var attemptsInGroup = 0

    /// Requests sent for the item, including earlier runs.
    final var attemptsInAll: Int { priorAttempts + attempts + attemptsInGroup }
    /// If duplicates are sent: cancels the current attempt.
    final var cancellation: AttemptCancellation?
    /// Its number among the requests that may get a duplicate; 0: it may not.
    final var flight: UInt64 = 0
    /// The pair that this request belongs to, while both are in flight.
    final var pair: RequestPair?
    /// For a duplicate, its item. A duplicate is not an item and never reaches the sink.
    final let duplicateOf: Ticket?

    init(
        serial: UInt64, request: ModelRequest, estimatedTokens: Int = 0, costMax: Int = 0,
        price: TokenPrice = .free, priorAttempts: Int = 0, rounds: RoundsSoFar = RoundsSoFar(), corrections: Int = 0,
        rejections: Int = 0, held: HeldAnswer? = nil, namesModel: Bool = false, model: String = "",
        duplicateOf: Ticket? = nil
    ) {
        self.model = model
        self.duplicateOf = duplicateOf
        self.namesModel = namesModel
        self.rounds = rounds
        self.corrections = corrections
        self.rejections = rejections
        self.held = held
        self.serial = serial
        self.costMax = costMax
        self.price = price
        self.request = request
        self.estimatedTokens = estimatedTokens
        self.priorAttempts = priorAttempts
    }

    /// Continues with another request, which has attempts of its own. Its worst-case cost grows with its body.
    final func ask(_ next: ModelRequest) {
        let grown = max(0, next.body.count - request.body.count)
        costMax += price.nanodollarsMax(bodyBytes: grown, completionTokensMax: 0)
        estimatedTokens += TokenEstimate.tokens(bytes: grown)
        request = next
        priorAttempts += attempts
        (attempts, refusals) = (0, 0)
        (avoids, movesAfterRefusal, movesAfterFailure) = (0, 0, 0)
    }

    /// It moves to another endpoint at once.
    final func moved(refused: Bool) {
        if refused { movesAfterRefusal += 1 } else { movesAfterFailure += 1 }
    }
}

/// A request and its duplicate, while both are in flight.
final class RequestPair: @unchecked Sendable {
    let item: Ticket
    let duplicate: Ticket
    /// The one that answered first. Its answer is used once the other one, which is cancelled, has returned: so an
    /// item's next request is never in flight beside an old one, and a second answer is recorded before what follows
    /// from the first.
    var winner: AttemptResult?

    init(_ item: Ticket, _ duplicate: Ticket) { (self.item, self.duplicate) = (item, duplicate) }

    func other(than ticket: Ticket) -> Ticket { ticket === item ? duplicate : item }
}

/// A ticket with its context.
final class ItemTicket<Context: Sendable>: Ticket, @unchecked Sendable {
    let context: Context

    init(serial: UInt64, item: Item<Context>) {
        context = item.context
        super.init(
            serial: serial, request: item.request, estimatedTokens: item.estimatedTokens,
            costMax: item.costMax, price: item.price, priorAttempts: item.priorAttempts,
            rounds: item.history?.rounds ?? RoundsSoFar(), corrections: item.history?.corrections ?? 0,
            rejections: item.history?.rejections ?? 0, held: item.history?.held, namesModel: item.namesModel,
            model: item.model)
        best = item.history?.best
        // An item that continues with rounds has its own request.
        if held == nil, rounds.count == 0 { (reuseKey, shared) = (item.reuseKey, item.shared) }
    }
}

/// The result of one attempt.
struct AttemptResult: Sendable {
    var ticket: Ticket
    let judgement: Judgement
    /// Nil if the exchange broke off.
    var reply: ModelReply?
    /// Why it broke off.
    var failure: TransportFailure?
    var latency = Interval.zero
    /// Each item's part, if the ticket is a shared request and has an answer.
    var parts: [PartResult]?
    /// For a duplicate that replaces its item's request: how long that one had been in flight before.
    var headStart = Interval.zero

    var verdict: Verdict { judgement.verdict }
    /// How long the item has waited.
    var itemLatency: Interval { headStart + latency }
}

/// One item's part of the reply to a shared request.
struct PartResult: Sendable {
    let judgement: Judgement
    let reply: ModelReply
}

/// The verifier's result for an item's held answer.
struct JudgedResult: Sendable {
    let ticket: Ticket
    let ruling: VerifierRuling
}

/// A result that has yet to get its context and to reach the sink.
struct Settlement: Sendable {
    let ticket: Ticket
    var result: OutcomeResult
    let latency: Interval
    let finishedAt: Instant
    /// For a stream, the time from dispatch to the first piece of the answer.
    var firstToken: Interval?
    /// The index of the endpoint of the request; nil: the item's last one.
    var endpoint: Int?

    /// The request's cost in nanodollars; nil if unknown.
    var cost: Int? {
        switch result {
        // A judged answer is already a round, which states the cost.
        case .answer(let answer): answer.verdictRaw == nil ? Bill(answer).nanodollars(at: ticket.price) : 0
        case .opinion: 0
        case .failure(let failure): Self.cost(of: failure, ticket)
        case .round(let round): Self.cost(of: round.failure, ticket)
        }
    }

    private static func cost(of failure: ItemFailure, _ ticket: Ticket) -> Int? {
        guard let bill = failure.bill else { return 0 }
        return bill.nanodollars(at: ticket.price)
    }
}
