public import Basics

/// One HTTP exchange to make: a JSON body for a path below the API's base URL.
public struct ModelRequest: Sendable {
    /// Joined to the base URL, with its leading slash: `/chat/completions`.
    public var path: String
    /// The JSON body, UTF-8; empty for what is only fetched, such as the list of models.
    public var body: [UInt8]
    /// Headers of this request alone, beside those of all. Names are tokens, values visible ASCII.
    public var headers: [(name: String, value: String)] = []
    /// Sees the reply's body while it comes; nil: nothing does.
    public var tap: (any BodyTap)?
    /// Called when the request's last byte has gone to the network, which may be long after it was handed in: a connection
    /// had to be opened, or the machine is busy. On the transport's thread; once more where the request is sent again over
    /// another connection. Exchanges that libcurl makes do not call it.
    public var onDeparture: (@Sendable (Instant) -> Void)?

    public init(path: String, body: [UInt8]) {
        self.path = path
        self.body = body
    }
}

/// A complete HTTP answer, of whatever status, before anyone has understood it.
public struct ModelReply: Sendable {
    public var status: Int
    /// The whole body, decompressed.
    public var body: [UInt8]
    /// The headers that matter to a client, names in lower case: `retry-after`, `retry-after-ms`, `x-should-retry`, all
    /// that begin with `x-ratelimit-`, `ratelimit-`, `anthropic-ratelimit-` or `llm_provider-`, and beside any of these
    /// `date`.
    public var headers: [(name: String, value: String)]
    /// From dispatch to the last byte.
    public var latency: Interval
    /// Of a stream, from dispatch to the first piece of the answer; nil where that was not looked for.
    public var firstToken: Interval?

    public init(status: Int, body: [UInt8], headers: [(name: String, value: String)] = [], latency: Interval = .zero) {
        self.status = status
        self.body = body
        self.headers = headers
        self.latency = latency
    }

    /// The value of the first header of that lower-case name.
    public func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}

/// Why an exchange ended without a complete answer.
public struct TransportFailure: Error, Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Connect, reset, closed early: the server may never have seen the request.
        case connection
        /// The server's or the proxy's name could not be resolved: no request was sent.
        case unresolved
        /// No connection in time, no first byte in time, too slow, or too long in all.
        case timeout
        /// The peer's certificate or the TLS handshake was refused: retrying cannot help.
        case tls
        /// The body exceeded the limit.
        case tooLarge
        /// The bytes were not HTTP, or the body's framing or compression was broken.
        case malformed
        /// Given up on request of this process.
        case cancelled
    }

    /// How far an exchange had come when it failed.
    public enum Stage: String, Sendable, CaseIterable {
        /// There was no connection: no server has heard of the request.
        case unconnected
        /// The server may have the request.
        case sent
        /// Part of the answer had arrived: the server is at work.
        case answering
    }

    public var kind: Kind
    /// The library's own words.
    public var message: String
    public var stage: Stage
    public var latency: Interval
    /// What had come of a stream, cut at `StreamWatch.bytesMax`.
    public var received: [UInt8] = []

    public init(_ kind: Kind, _ message: String, stage: Stage = .sent, latency: Interval = .zero) {
        self.kind = kind
        self.message = message
        self.stage = stage
        self.latency = latency
    }
}

/// Makes HTTP exchanges. The real one is `HTTPTransport`, tests script theirs.
///
/// `send` may be called from many tasks at once. It never throws: an exchange has an outcome. When its task is
/// cancelled it ends soon, with `.cancelled`.
public protocol ModelTransport: Sendable {
    func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure>
}
