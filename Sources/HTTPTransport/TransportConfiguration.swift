public import Basics

/// The transport's settings. A value with defaults; only the base URL has none.
public struct TransportConfiguration: Sendable {
    /// The address that requests' paths are joined to: `https://api.openai.com/v1`.
    public var baseURL: String
    /// Sent with every request, such as `Authorization`. Never logged, never part of an error. `Content-Type:
    /// application/json` is added unless given here.
    public var headers: [(name: String, value: String)]
    /// `retort/1.0`.
    public var userAgent: String
    public var timeouts: TransportTimeouts
    /// Maximum bytes of a decompressed response body; a larger one ends as `.tooLarge`.
    public var responseBytesMax: Int
    /// Maximum open connections; further requests wait for one. Nil: unlimited.
    public var connectionsMax: Int?
    /// Maximum transfers of one curl multi handle; nil: chosen by the base URL's scheme.
    public var laneTransfersMax: Int?
    public var network: TransportNetwork
    /// Leaves every exchange to libcurl.
    public var usesLibcurlOnly = false

    public init(
        baseURL: String,
        headers: [(name: String, value: String)] = [],
        userAgent: String = "retort",
        timeouts: TransportTimeouts = TransportTimeouts(),
        responseBytesMax: Int = TransportConfiguration.responseBytesMaxDefault,
        connectionsMax: Int? = nil,
        laneTransfersMax: Int? = nil,
        network: TransportNetwork = TransportNetwork()
    ) {
        self.baseURL = baseURL
        self.headers = headers
        self.userAgent = userAgent
        self.timeouts = timeouts
        self.responseBytesMax = responseBytesMax
        self.connectionsMax = connectionsMax
        self.laneTransfersMax = laneTransfersMax
        self.network = network
    }

    /// 64 MiB.
    public static let responseBytesMaxDefault = 64 << 20
    /// Finding an idle connection takes time linear in the transfers of a lane: at 1,000 in flight 32 cost a tenth less
    /// than 100, and fewer bring no further gain (see Benchmarks/TransportBench).
    public static let laneTransfersMaxPlain = 32
    /// An HTTP/2 server should allow a hundred streams on one connection (RFC 9113, 6.5.2): a lane then needs one
    /// connection.
    public static let laneTransfersMaxSecure = 100
}

/// Timeouts. Each is wall time and must be positive.
public struct TransportTimeouts: Sendable, Hashable {
    /// From dispatch until the connection is open, including its TLS handshake.
    public var connect: Interval
    /// From dispatch to the first byte of the answer: the time the model may think.
    public var firstByte: Interval
    /// From one byte of the answer to the next.
    public var stalled: Interval
    /// From dispatch to the last byte.
    public var total: Interval

    public init(
        connect: Interval = .seconds(10), firstByte: Interval = .seconds(600), stalled: Interval = .seconds(60),
        total: Interval = .seconds(900)
    ) {
        self.connect = connect
        self.firstByte = firstByte
        self.stalled = stalled
        self.total = total
    }
}

extension TransportConfiguration {
    /// Headers of every request, except `Host`, `Accept` and the body's length.
    var requestHeaders: [(name: String, value: String)] {
        let own: [(name: String, value: String)] = [
            ("User-Agent", userAgent), ("Accept-Encoding", "gzip"), ("Content-Type", "application/json"),
        ]
        return own.filter { !hasHeader($0.name) } + headers
    }

    /// Whether the caller sets a header with that name.
    func hasHeader(_ name: String) -> Bool {
        headers.contains { $0.name.lowercased() == name.lowercased() }
    }

    /// Throws `RetortError.configuration` for settings that cannot work.
    func validate() throws(RetortError) {
        for header in headers { try validate(header) }
        try validate((name: "User-Agent", value: userAgent))
        guard [timeouts.connect, timeouts.firstByte, timeouts.stalled, timeouts.total].allSatisfy({ $0 > .zero }) else {
            throw RetortError(.configuration, "a timeout is not positive", remedy: "Give a time above zero.")
        }
        guard responseBytesMax > 0, connectionsMax ?? 1 > 0, laneTransfersMax ?? 1 > 0 else {
            throw RetortError(.configuration, "a limit is not positive", remedy: "Give a number above zero.")
        }
    }

    /// The error does not contain the value: it may be a key.
    private func validate(_ header: (name: String, value: String)) throws(RetortError) {
        let isToken = header.name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
        guard isToken, !header.name.isEmpty else {
            throw RetortError(
                .configuration, "a header's name is not legal", at: header.name,
                remedy: "Letters, digits and hyphens make a name.")
        }
        guard header.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
            throw RetortError(
                .configuration, "the value of the header \(header.name) holds a line break or a control character",
                remedy: "Often it is the last line break of a file that holds a key.")
        }
    }
}
