internal import Basics
internal import ModelAPI

/// An exchange over our own connection, which it has exclusively from the request's first byte to the answer's last.
final class HTTP1Exchange: Exchange, Equatable {
    private unowned(unsafe) let route: HTTP1Route
    unowned(unsafe) let pool: ExchangePool
    /// Nil while it waits for one.
    var connection: HTTP1Connection?
    /// When it started waiting for one.
    var waitsSince = Instant(nanoseconds: 0)
    /// Whether a kept connection has already failed it once.
    var hasBeenReplaced = false
    private(set) var head: [UInt8] = []
    private(set) var body: [UInt8] = []

    init(_ route: HTTP1Route, _ pool: ExchangePool) {
        self.route = route
        self.pool = pool
    }

    override func prepare(_ request: ModelRequest) {
        super.prepare(request)
        hasBeenReplaced = false
        body = request.body
        route.writeHead(of: request, to: &head)
    }

    /// Bytes of the whole request.
    var byteCount: Int { head.count + body.count }

    override func begin() { route.begin(self) }

    override func abandon() { route.abandon(self) }

    override func reset() {
        super.reset()
        connection = nil
        head.removeAll(keepingCapacity: true)
        body = []
    }

    static func == (a: HTTP1Exchange, b: HTTP1Exchange) -> Bool { a === b }
}
