internal import Basics
internal import ModelAPI

/// An exchange over a plain connection, which has it to itself from the request's first byte to the answer's last.
final class PlainExchange: Exchange, Equatable {
    private unowned(unsafe) let route: PlainRoute
    unowned(unsafe) let pool: ExchangePool
    /// Nil while it waits for one.
    var connection: PlainConnection?
    /// Since when it waits for one.
    var waitsSince = Instant(nanoseconds: 0)
    /// A kept connection has let it down once.
    var hasBeenReplaced = false
    private(set) var head: [UInt8] = []
    private(set) var body: [UInt8] = []

    init(_ route: PlainRoute, _ pool: ExchangePool) {
        self.route = route
        self.pool = pool
    }

    override func prepare(_ request: ModelRequest) {
        super.prepare(request)
        hasBeenReplaced = false
        body = request.body
        route.writeHead(of: request, to: &head)
    }

    /// Of the whole request.
    var byteCount: Int { head.count + body.count }

    override func begin() { route.begin(self) }

    override func abandon() { route.abandon(self) }

    override func reset() {
        super.reset()
        connection = nil
        head.removeAll(keepingCapacity: true)
        body = []
    }

    static func == (a: PlainExchange, b: PlainExchange) -> Bool { a === b }
}
