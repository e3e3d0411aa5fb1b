internal import Basics
internal import ModelAPI

/// An item on its way through the generator, without its context, so that everything inside works on one concrete type.
///
/// Only the run loop touches what is mutable here; attempts read the request, which never changes.
class Ticket: @unchecked Sendable {
    let serial: UInt64
    let request: ModelRequest
    let estimatedTokens: Int
    let costMax: Int
    let price: TokenPrice
    let priorAttempts: Int
    let namesModel: Bool

    /// Attempts that counted in this run.
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
        price: TokenPrice = .free, priorAttempts: Int = 0, namesModel: Bool = false
    ) {
        self.namesModel = namesModel
        self.serial = serial
        self.costMax = costMax
        self.price = price
        self.request = request
        self.estimatedTokens = estimatedTokens
        self.priorAttempts = priorAttempts
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
            namesModel: item.namesModel)
    }
}

/// What one attempt brought back.
struct AttemptResult: Sendable {
    let ticket: Ticket
    let verdict: Verdict
    /// Nil when the exchange broke off.
    var reply: ModelReply?
    /// Why it broke off.
    var failure: TransportFailure?
    var latency = Interval.zero
}

/// An outcome that waits for its context and for the sink.
struct Settlement: Sendable {
    let ticket: Ticket
    var result: OutcomeResult
    let latency: Interval
    let finishedAt: Instant
}
