internal import Basics
internal import ModelAPI

/// One request and its response, with their memory, reused for one request after another. Each route has its own
/// subclass. Confined to the loop.
class Exchange: Placed {
    /// Identifies one request of an exchange; used on the loop only.
    struct Ticket: @unchecked Sendable, Equatable {
        let exchange: Exchange
        let number: UInt64

        static func == (a: Ticket, b: Ticket) -> Bool { a.exchange === b.exchange && a.number == b.number }
    }

    /// Receives the result; nil if the exchange must use another route.
    typealias Waiter = UnsafeContinuation<Result<ModelReply, TransportFailure>?, Never>

    /// Counts the requests, so that a late cancellation does not affect the next one.
    private var number: UInt64 = 0
    var waiter: Waiter?
    var progress = ExchangeProgress(started: Instant(nanoseconds: 0))
    /// Receives the body while it arrives.
    private(set) var tap: (any BodyTap)?
    private(set) var onDeparture: (@Sendable (Instant) -> Void)?
    /// Index among the exchanges in flight.
    var position = 0

    /// Takes a request, to be sent by `begin`.
    func prepare(_ request: ModelRequest) {
        number &+= 1
        progress = ExchangeProgress(started: .now)
        tap = request.tap
        tap?.began()
        onDeparture = request.onDeparture
    }

    /// Sends the prepared request. The pool is told of its end.
    func begin() { fatalError("a route's exchange begins in its own way") }

    /// Stops the request in progress, and closes its connection if it was in the middle of it.
    func abandon() { fatalError("a route's exchange is abandoned in its own way") }

    /// Clears the state of the finished request.
    func reset() {
        waiter = nil
        tap = nil
        onDeparture = nil
    }

    /// The request that is in flight.
    final var ticket: Ticket { Ticket(exchange: self, number: number) }
}
