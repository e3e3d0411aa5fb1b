internal import Basics
internal import ModelAPI

/// An item on its way through the generator, without its context, so that everything inside works on one concrete type.
///
/// Only the run loop touches what is mutable here, and the request only while no attempt is under way.
class Ticket: @unchecked Sendable {
    let serial: UInt64
    let price: TokenPrice
    let namesModel: Bool
    /// The model that the item asks, as the user calls it.
    let model: String
    /// Attempts of earlier runs, and of this run for earlier requests.
    final var priorAttempts: Int
    /// What is asked; another after a stage has asked again.
    final var request: ModelRequest
    final var estimatedTokens: Int
    final var costMax: Int
    final var rounds: RoundsSoFar
    /// How often a stage has asked again.
    final var corrections: Int
    /// How often a verifier has asked again.
    final var rejections: Int
    /// The answer that waits for the verifier; its round is with the sink.
    final var held: HeldAnswer?
    final var heldBytes: Int { held?.answer.body.count ?? 0 }
    /// Of the answers that the verifier has rejected, the one with the best score.
    final var best: RejectedAnswer?

    /// Attempts for this request that counted in this run.
    final var attempts = 0
    /// Of these, the ones that the server refused for its rate.
    final var refusals = 0
    /// The number `AdaptiveConcurrency` gave the request that is in flight.
    final var dispatchNumber: UInt64 = 0
    final var dispatchedAt = Instant(nanoseconds: 0)
    /// Where `Flights` keeps it.
    final var place = 0
    final var isProbe = false
    /// The endpoint that got the request last, and a mask of those that should not get it next.
    final var endpoint = 0
    final var avoids: UInt64 = 0
    /// Attempts after which the item went to another endpoint at once: of these, what was refused for the rate and the rest.
    final var movesAfterRefusal = 0
    final var movesAfterFailure = 0
    /// How often in a row it was the probe.
    final var probes = 0
    /// Why it waits for a retry.
    final var waitsAfter: FailureClass?
    /// Items with the same one may have one answer.
    final var reuseKey: ReuseKey?
    /// What it is to be asked with, until it is.
    final var shared: SharedRequest?
    /// The items that it asks for, where it is the request of several.
    final var group: TicketGroup?
    /// Of the group that it is in.
    final var attemptsInGroup = 0

    /// Requests made for the item, earlier runs included.
    final var attemptsInAll: Int { priorAttempts + attempts + attemptsInGroup }
    /// Where duplicates are sent: ends the attempt that is under way.
    final var cancellation: AttemptCancellation?
    /// Its number among the requests that may get a duplicate; 0: it may not.
    final var flight: UInt64 = 0
    /// The two requests of which it is one, while both are in flight.
    final var pair: RequestPair?
    /// Of a duplicate, the item. A duplicate is no item and never reaches the sink.
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

    /// Goes on with another request, which has attempts of its own. It may cost more by what its body has grown.
    final func ask(_ next: ModelRequest) {
        let grown = max(0, next.body.count - request.body.count)
        costMax += price.nanodollarsMax(bodyBytes: grown, completionTokensMax: 0)
        estimatedTokens += TokenEstimate.tokens(bytes: grown)
        request = next
        priorAttempts += attempts
        (attempts, refusals) = (0, 0)
        (avoids, movesAfterRefusal, movesAfterFailure) = (0, 0, 0)
    }

    /// It goes to another endpoint at once.
    final func moved(refused: Bool) {
        if refused { movesAfterRefusal += 1 } else { movesAfterFailure += 1 }
    }
}

/// A request and its duplicate, while both are in flight.
final class RequestPair: @unchecked Sendable {
    let item: Ticket
    let duplicate: Ticket
    /// The one that has answered first. It is taken up once the other one has returned, which is cancelled: so an item's next
    /// request never goes out beside an old one, and a second answer is recorded before what follows from the first.
    var winner: AttemptResult?

    init(_ item: Ticket, _ duplicate: Ticket) { (self.item, self.duplicate) = (item, duplicate) }

    func other(than ticket: Ticket) -> Ticket { ticket === item ? duplicate : item }
}

/// A ticket that knows its context.
final class ItemTicket<Context: Sendable>: Ticket, @unchecked Sendable {
    let context: Context

    init(serial: UInt64, item: Item<Context>) {
        context = item.context
        super.init(
            serial: serial, request: item.request, estimatedTokens: item.estimatedTokens,
            costMax: item.costMax, price: item.price, priorAttempts: item.priorAttempts,
            rounds: item.priorRounds, corrections: item.priorCorrections, rejections: item.priorRejections,
            held: item.held, namesModel: item.namesModel, model: item.model)
        best = item.priorBest
        // An item that goes on with rounds asks something of its own.
        if item.held == nil, item.priorRounds.count == 0 { (reuseKey, shared) = (item.reuseKey, item.shared) }
    }
}

/// What one attempt brought back.
struct AttemptResult: Sendable {
    var ticket: Ticket
    let judgement: Judgement
    /// Nil when the exchange broke off.
    var reply: ModelReply?
    /// Why it broke off.
    var failure: TransportFailure?
    var latency = Interval.zero
    /// What each item got, where the ticket is the request of several and an answer has come.
    var parts: [PartResult]?
    /// Of a duplicate that stands in for its item's request: how long that one had been in flight before.
    var headStart = Interval.zero

    var verdict: Verdict { judgement.verdict }
    /// How long the item has waited.
    var itemLatency: Interval { headStart + latency }
}

/// What one item of a shared request got of its reply.
struct PartResult: Sendable {
    let judgement: Judgement
    let reply: ModelReply
}

/// What the verifier made of an item's held answer.
struct JudgedResult: Sendable {
    let ticket: Ticket
    let ruling: VerifierRuling
}

/// An outcome that waits for its context and for the sink.
struct Settlement: Sendable {
    let ticket: Ticket
    var result: OutcomeResult
    let latency: Interval
    let finishedAt: Instant
    /// Of a stream, from dispatch to the first piece of the answer.
    var firstToken: Interval?
    /// The place of the endpoint that got the request; nil: the item's last one.
    var endpoint: Int?

    /// What its request has cost in nanodollars; nil where nobody can tell.
    var cost: Int? {
        switch result {
        // What was judged is a round already, which says it.
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
