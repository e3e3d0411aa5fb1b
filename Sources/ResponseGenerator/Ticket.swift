internal import Basics
internal import ModelAPI

/// An item on its way through the generator, without its context, so that everything inside works on one concrete type.
///
/// Only the run loop touches what is mutable here, and the request only while no attempt is under way.
class Ticket: @unchecked Sendable {
    let serial: UInt64
    let price: TokenPrice
    let namesModel: Bool
    /// Attempts of earlier runs, and of this run for earlier requests.
    final var priorAttempts: Int
    /// What is asked; another after a stage has asked again.
    final var request: ModelRequest
    final var estimatedTokens: Int
    final var costMax: Int
    /// The number of the item's newest round.
    final var rounds: UInt32
    /// How often a stage has asked again.
    final var corrections: Int

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
    /// How often in a row it was the probe.
    final var probes = 0
    /// Why it waits for a retry.
    final var waitsAfter: FailureClass?

    init(
        serial: UInt64, request: ModelRequest, estimatedTokens: Int = 0, costMax: Int = 0,
        price: TokenPrice = .free, priorAttempts: Int = 0, priorRounds: UInt32 = 0, priorCorrections: Int = 0,
        namesModel: Bool = false
    ) {
        self.namesModel = namesModel
        rounds = priorRounds
        corrections = priorCorrections
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
        corrections += 1
    }
}

/// A ticket that knows its context.
final class ItemTicket<Context: Sendable>: Ticket, @unchecked Sendable {
    let context: Context

    init(serial: UInt64, item: Item<Context>) {
        context = item.context
        super.init(
            serial: serial, request: item.request, estimatedTokens: item.estimatedTokens,
            costMax: item.costMax, price: item.price, priorAttempts: item.priorAttempts,
            priorRounds: item.priorRounds, priorCorrections: item.priorCorrections, namesModel: item.namesModel)
    }
}

/// What one attempt brought back.
struct AttemptResult: Sendable {
    let ticket: Ticket
    let judgement: Judgement
    /// Nil when the exchange broke off.
    var reply: ModelReply?
    /// Why it broke off.
    var failure: TransportFailure?
    var latency = Interval.zero

    var verdict: Verdict { judgement.verdict }
}

/// An outcome that waits for its context and for the sink.
struct Settlement: Sendable {
    let ticket: Ticket
    var result: OutcomeResult
    let latency: Interval
    let finishedAt: Instant

    /// What its request has cost in nanodollars; nil where nobody can tell.
    var cost: Int? {
        switch result {
        case .answer(let answer): Bill(answer).nanodollars(at: ticket.price)
        case .failure(let failure): Self.cost(of: failure, ticket)
        case .round(let round): Self.cost(of: round.failure, ticket)
        }
    }

    private static func cost(of failure: ItemFailure, _ ticket: Ticket) -> Int? {
        guard let bill = failure.bill else { return 0 }
        return bill.nanodollars(at: ticket.price)
    }
}
