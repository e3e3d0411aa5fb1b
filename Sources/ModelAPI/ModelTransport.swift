public import Basics

/// One HTTP exchange: a JSON body for a path below the API's base URL.
public struct ModelRequest: Sendable {
    /// Joined to the base URL, with its leading slash: `/chat/completions`.
    public var path: String
    /// The JSON body, UTF-8; empty for GET requests, such as the list of models.
    public var body: [UInt8]
    /// Headers of this request alone, in addition to the common ones. Names are tokens, values visible ASCII.
    public var headers: [(name: String, value: String)] = []
    /// Receives the reply's body while it arrives; nil: not needed.
    public var tap: (any BodyTap)?
    /// Called when the request's last byte was sent, which may be long after it was submitted: a connection had to be
    /// opened, or the machine is busy. On the transport's thread; called again if the request is resent over another
    /// connection. Not called for exchanges made by libcurl.
    public var onDeparture: (@Sendable (Instant) -> Void)?

    public init(path: String, body: [UInt8]) {
        self.path = path
        self.body = body
    }
}

/// A complete HTTP response, of any status, before it is interpreted.
public struct ModelReply: Sendable {
    public var status: Int
    /// The whole body, decompressed.
    public var body: [UInt8]
    /// The headers that matter, names in lower case: `location`, `retry-after`, `retry-after-ms`, `x-should-retry`, all
    /// that begin with `x-ratelimit-`, `ratelimit-`, `anthropic-ratelimit-` or `llm_provider-`, and with any of these also `date`.
    public var headers: [(name: String, value: String)]
    /// From dispatch to the last byte.
    public var latency: Interval
    /// For a stream, from dispatch to the first piece of the answer; nil if it was not measured.
    public var firstToken: Interval?

    public init(status: Int, body: [UInt8], headers: [(name: String, value: String)] = [], latency: Interval = .zero) {
        self.status = status
        self.body = body
        self.headers = headers
        self.latency = latency
    }

    /// The value of the first header with that lower-case name.
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
        /// No connection or no first byte in time, too slow, or too long in total.
        case timeout
        /// The peer's certificate or the TLS handshake was rejected: retrying cannot help.
        case tls
        /// The body exceeded the limit.
        case tooLarge
        /// The bytes were not HTTP, or the body's framing or compression was broken.
        case malformed
        /// Cancelled by this process.
        case cancelled
    }

    /// How far an exchange had come when it failed.
    public enum Stage: String, Sendable, CaseIterable {
        /// There was no connection: no server has received the request.
        case unconnected
        /// The server may have the request.
        case sent
        /// Part of the answer had arrived: the server is at work.
        case answering
    }

    public var kind: Kind
    /// The library's own message.
    public var message: String
    public var stage: Stage
    public var latency: Interval
    /// The received part of a stream, truncated at `StreamWatch.bytesMax`.
    public var received: [UInt8] = []

    public init(_ kind: Kind, _ message: String, stage: Stage = .sent, latency: Interval = .zero) {
        self.kind = kind
        self.message = message
        self.stage = stage
        self.latency = latency
    }
}

/// Makes HTTP exchanges. `HTTPTransport` is the real one; tests use scripted ones.
///
/// `send` may be called from many tasks at once. It never throws: an exchange always has a result. When its task is
/// cancelled, it soon returns `.cancelled`.
public protocol ModelTransport: Sendable {
    func send(_ request: ModelRequest) async -> Result<ModelReply, TransportFailure>
}
