public import Basics
import Glibc
import JSONText

/// A model server on loopback that speaks OpenAI's API over real HTTP, with configurable latency, limits and faults.
///
/// It serves `POST /v1/chat/completions` and `/v1/completions` (streaming or not), `GET /v1/models`, `GET
/// /simulator/counts`, `GET /simulator/items`, `GET /simulator/batches` and `POST /simulator/reset`; `/v1` may be
/// omitted. It also serves OpenAI's files and batches, in the forms of OpenAI, Azure, Groq and Together, and the
/// batches of Anthropic, Mistral and Gemini (`BatchDesk`). Texts, latencies and faults are determined by the seed and
/// the requests. One thread of its own does all the work. Safe to use from any thread.
public final class ModelSimulator: Sendable {
    public let configuration: SimulatorConfiguration

    private let ledger: Locked<Ledger>
    private let server = Locked<(loop: ServerLoop, host: String)?>(nil)

    /// Throws a configuration error that names the setting that is out of range.
    public init(_ configuration: SimulatorConfiguration = SimulatorConfiguration()) throws(RetortError) {
        try configuration.validate()
        self.configuration = configuration
        ledger = Locked(
            Ledger(remembersItems: configuration.remembersItems, countsWindows: configuration.countsWindows))
    }

    deinit { stop() }

    /// Starts serving on a numeric address of this machine; port 0 selects a free one. Outages of the fault plan and
    /// limits per minute count from now. Raises the process's soft limit on open files to the hard limit.
    ///
    /// Throws a configuration error for an unusable address or port, or if the simulator is already serving. It can be
    /// started again after `stop`; counts continue.
    public func start(port: UInt16 = 0, host: String = "127.0.0.1") throws(RetortError) {
        Self.raiseOpenFilesLimit()
        try server.withLock { server throws(RetortError) in
            guard server == nil else {
                throw RetortError(.configuration, "the simulator serves already", remedy: "Stop it first.")
            }
            server = (try ServerLoop(configuration, ledger: ledger, host: host, port: port), host)
        }
    }

    /// Closes every connection, answered or not, and waits for the thread to end. Does nothing when the simulator is
    /// not serving.
    public func stop() {
        let running = server.withLock { server in
            defer { server = nil }
            return server
        }
        running?.loop.stop()
    }

    /// The port in use; nil when the simulator is not serving.
    public var port: UInt16? { server.withLock { $0?.loop.port } }

    /// The base URL for clients, for example `http://127.0.0.1:8000/v1`; nil when the simulator is not serving.
    public var baseURL: String? {
        server.withLock { server in
            server.map { "http://\($0.host.contains(":") ? "[\($0.host)]" : $0.host):\($0.loop.port)/v1" }
        }
    }

    /// A consistent snapshot of the counts.
    public var counts: SimulatorCounts { ledger.withLock { $0.counts } }

    /// The tally of each item, by its identity.
    public var items: [UInt64: ItemTally] { ledger.withLock { $0.items } }

    /// Clears counts and items, as after a start. Requests in flight are not counted when they end.
    public func reset() { ledger.withLock { $0.reset() } }

    /// The identity of a request: the XXH3 hash of the bytes of `messages` as they were sent, or of `prompt` (and
    /// `suffix`) for a body without messages. Nil if the body is not a request for a completion.
    public static func item(ofBody body: [UInt8]) -> UInt64? {
        guard let root = try? JSONParser().parse(body).root else { return nil }
        let endpoint: CompletionRequest.Endpoint =
            root["messages"] != nil ? .chat : root["input"] != nil ? .responses : .completions
        return try? CompletionRequest(root, endpoint: endpoint).item
    }

    private static func raiseOpenFilesLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
