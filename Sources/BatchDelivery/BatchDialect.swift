public import JSONText
public import ModelAPI

/// A call of a batch API, without host and key.
public struct BatchCall: Sendable, Hashable {
    public enum Body: Sendable, Hashable {
        case none
        case bytes([UInt8])
        /// The batch's file between a head and a tail.
        case upload(head: [UInt8], tail: [UInt8])
    }

    public var method: String
    /// Relative to the root of the API's requests.
    public var path: String
    public var query: String
    public var contentType: String
    public var body: Body
    /// For providers with another root for these calls: the base URL is truncated before this text, and the path is
    /// appended. Empty: the same root as the requests.
    public var cut = ""
    /// The header that carries the key; empty: the one used for requests.
    public var keyHeader = ""

    public init(
        _ method: String, _ path: String, query: String = "", contentType: String = "application/json",
        body: Body = .none
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.contentType = contentType
        self.body = body
    }
}

/// The properties of a batch that its calls need.
public struct BatchTitle: Sendable, Hashable {
    /// The name of its file, unique among batches.
    public var name: String
    /// The path of its requests: `/chat/completions`.
    public var path: String
    public var window: String
    /// The model of its requests; empty if they name none.
    public var model: String

    public init(name: String, path: String, window: String, model: String = "") {
        self.model = model
        self.name = name
        self.path = path
        self.window = window
    }
}

/// The batch API of one provider: its calls, and how its answers are read. To add a provider, add a type in a file of
/// its own.
public protocol BatchDialect: Sendable {
    /// The name in messages: `OpenAI's batch API`.
    var name: String { get }
    var limits: BatchLimits { get }
    /// Whether requests are uploaded as a file before the batch is created.
    var hasFiles: Bool { get }
    /// Whether the results have a line for each expired request.
    var tellsExpired: Bool { get }
    /// Whether a batch whose creation was not confirmed can be identified only by its results, because lists may show
    /// another of the same size.
    var isKnownByResults: Bool { get }
    /// The text before, between and after the lines of a batch.
    var head: [UInt8] { get }
    var separator: [UInt8] { get }
    var tail: [UInt8] { get }

    /// Whether requests to that path can be sent in batches.
    func takes(path: String) -> Bool
    func line(customID: String, _ request: ModelRequest) -> [UInt8]

    func upload(_ title: BatchTitle) -> BatchCall
    func listFiles(after: String?) -> BatchCall
    func create(_ title: BatchTitle, file: String?) -> BatchCall
    func listBatches(after: String?) -> BatchCall
    func look(_ id: String) -> BatchCall
    func cancel(_ id: String) -> BatchCall
    /// The call that checks whether a file is ready; nil if files are ready at once.
    func lookAtFile(_ id: String) -> BatchCall?
    func download(_ path: String) -> BatchCall

    /// The id of the file in an answer to `upload`.
    func file(_ reply: JSONValue) -> String?
    /// - Parameter after: where the page began; nil: the first page.
    func files(_ reply: JSONValue, after: String?) -> BatchPage<(id: String, name: String)>
    /// The readiness reported by an answer to `lookAtFile`.
    func readiness(_ reply: JSONValue) -> FileReadiness
    func batch(_ reply: JSONValue) -> BatchView?
    /// Whether an answer to `cancel` confirms the cancellation.
    func hasCancelled(_ reply: JSONValue) -> Bool
    func batches(_ reply: JSONValue, after: String?) -> BatchPage<BatchView>
    /// Nil for a line that is not a result.
    func result(_ line: JSONValue) -> BatchResult?
}

extension BatchDialect {
    public var tellsExpired: Bool { true }
    public var head: [UInt8] { [] }
    public var separator: [UInt8] { lineBreak }
    public var tail: [UInt8] { lineBreak }
    public var isKnownByResults: Bool { !hasFiles }
    public func lookAtFile(_ id: String) -> BatchCall? { nil }
    public func readiness(_ reply: JSONValue) -> FileReadiness { .ready }
    public func hasCancelled(_ reply: JSONValue) -> Bool { batch(reply) != nil }
}

/// Whether a provider can create a batch from a file.
public enum FileReadiness: Sendable, Hashable {
    case ready
    case notYet
    /// With the provider's reason.
    case refused(String)
}

/// The line end of a request file, which most of these APIs use.
private let lineBreak: [UInt8] = [0x0A]
