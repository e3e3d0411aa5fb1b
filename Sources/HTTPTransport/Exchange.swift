internal import Basics
internal import ModelAPI

/// One request on its way to the server and back, with the memory that takes, used for one request after another.
/// A route's own kind of exchange knows what it travels on. Confined to the loop.
class Exchange: Placed {
    /// Names one request of an exchange; opened on the loop only.
    struct Ticket: @unchecked Sendable, Equatable {
        let exchange: Exchange
        let number: UInt64

        static func == (a: Ticket, b: Ticket) -> Bool { a.exchange === b.exchange && a.number == b.number }
    }

    /// Told the result; nil if the exchange has to go by another route.
    typealias Waiter = UnsafeContinuation<Result<ModelReply, TransportFailure>?, Never>

    /// Counts the requests, so that a late cancellation does not hit the next one.
    private var number: UInt64 = 0
    var waiter: Waiter?
    var progress = ExchangeProgress(started: Instant(nanoseconds: 0))
    /// Sees the body while it comes.
    private(set) var tap: (any BodyTap)?
    private(set) var onDeparture: (@Sendable (Instant) -> Void)?
    /// Place among the exchanges in flight.
    var position = 0

    /// Takes a request, which `begin` sends.
    func prepare(_ request: ModelRequest) {
        number &+= 1
        progress = ExchangeProgress(started: .now)
        tap = request.tap
        tap?.began()
        onDeparture = request.onDeparture
    }

    /// Sends what was prepared. Its end is told to the pool.
    func begin() { fatalError("a route's exchange begins in its own way") }

    /// Stops what is under way, and closes its connection if it was in the middle of a request.
    func abandon() { fatalError("a route's exchange is abandoned in its own way") }

    /// Drops what belongs to the request that has ended.
    func reset() {
        waiter = nil
        tap = nil
        onDeparture = nil
    }

    /// The request that is in flight.
    final var ticket: Ticket { Ticket(exchange: self, number: number) }
}
