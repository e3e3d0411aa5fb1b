public import ModelAPI

/// One HTTP exchange that may be too large for memory: a file is sent from disk, a response goes to disk.
public struct BulkCall: Sendable {
    public enum Body: Sendable, Hashable {
        case none
        case bytes([UInt8])
        /// The bytes of a file between two texts.
        case file(path: String, head: [UInt8], tail: [UInt8])
    }

    public var method: String
    /// In addition to the path of the API's requests: `/files`.
    public var path: String
    /// Without a question mark; percent-encoded.
    public var query: String
    public var contentType: String
    public var body: Body
    /// The file for the body of a 2xx response; nil: in the reply.
    public var target: String?
    /// The base URL ends before this text, and the path is put behind it; empty: it stays whole.
    public var cut = ""
    /// The header that carries the key in place of `Authorization: Bearer`; empty: it stays.
    public var keyHeader = ""

    public init(
        _ method: String, _ path: String, query: String = "", contentType: String = "application/json",
        body: Body = .none, target: String? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.contentType = contentType
        self.body = body
        self.target = target
    }

    /// Whether it may take as long as a large file does.
    var isLong: Bool {
        if case .file = body { return true }
        return target != nil
    }
}

/// Makes bulk exchanges. The real one is `BulkTransport`.
public protocol BulkSender: Sendable {
    /// Never throws: an exchange has an outcome.
    func send(_ call: BulkCall) async -> Result<ModelReply, TransportFailure>
}
