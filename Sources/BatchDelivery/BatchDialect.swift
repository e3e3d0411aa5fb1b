public import JSONText
public import ModelAPI

/// An exchange with a batch API, without host and key.
public struct BatchCall: Sendable, Hashable {
    public enum Body: Sendable, Hashable {
        case none
        case bytes([UInt8])
        /// The batch's file between two texts.
        case upload(head: [UInt8], tail: [UInt8])
    }

    public var method: String
    /// Beside the path of the API's requests.
    public var path: String
    public var query: String
    public var contentType: String
    public var body: Body
    /// Where the provider has these calls elsewhere: the base URL ends before this text, and the path is put behind. Empty:
    /// it goes beside the requests.
    public var cut = ""
    /// The header that carries the key there; empty: as in requests.
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

/// What a batch is, as its calls need it.
public struct BatchTitle: Sendable, Hashable {
    /// The name of its file, which no other batch has.
    public var name: String
    /// The path of its requests: `/chat/completions`.
    public var path: String
    public var window: String
    /// The model of its requests; empty where they name none.
    public var model: String

    public init(name: String, path: String, window: String, model: String = "") {
        self.model = model
        self.name = name
        self.path = path
        self.window = window
    }
}

/// What one provider's batch API wants: calls, and how its answers are read. A new one is a type in a file of its own.
public protocol BatchDialect: Sendable {
    /// In messages: `OpenAI's batch API`.
    var name: String { get }
    var limits: BatchLimits { get }
    /// Whether requests are uploaded as a file before a batch is made of them.
    var hasFiles: Bool { get }
    /// Whether results have a line for each request that was not asked in time.
    var tellsExpired: Bool { get }
    /// Whether a batch whose creation was not confirmed is known by its results alone: lists may show one of the same size.
    var isKnownByResults: Bool { get }
    /// What stands before, between and behind the lines of a batch.
    var head: [UInt8] { get }
    var separator: [UInt8] { get }
    var tail: [UInt8] { get }

    /// Whether requests of that path can be sent in batches.
    func takes(path: String) -> Bool
    func line(customID: String, _ request: ModelRequest) -> [UInt8]

    func upload(_ title: BatchTitle) -> BatchCall
    func listFiles(after: String?) -> BatchCall
    func create(_ title: BatchTitle, file: String?) -> BatchCall
    func listBatches(after: String?) -> BatchCall
    func look(_ id: String) -> BatchCall
    func cancel(_ id: String) -> BatchCall
    /// Asks whether a file can be used; nil where one can be at once.
    func lookAtFile(_ id: String) -> BatchCall?
    func download(_ path: String) -> BatchCall

    /// The id of the file that an answer to `upload` tells of.
    func file(_ reply: JSONValue) -> String?
    /// - Parameter after: where the page began; nil: it is the first one.
    func files(_ reply: JSONValue, after: String?) -> BatchPage<(id: String, name: String)>
    /// What an answer to `lookAtFile` tells.
    func readiness(_ reply: JSONValue) -> FileReadiness
    func batch(_ reply: JSONValue) -> BatchView?
    /// Whether an answer to `cancel` is one.
    func hasCancelled(_ reply: JSONValue) -> Bool
    func batches(_ reply: JSONValue, after: String?) -> BatchPage<BatchView>
    /// Nil for a line that is none of a result file.
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

/// Whether a provider can make a batch of a file.
public enum FileReadiness: Sendable, Hashable {
    case ready
    case notYet
    /// In the provider's words.
    case refused(String)
}

/// Of a file of lines, which most of these APIs take.
private let lineBreak: [UInt8] = [0x0A]
