public import Basics
internal import CCurl
internal import Glibc
public import ModelAPI
internal import Synchronization

/// Bulk exchanges with libcurl, one at a time, each on its own thread: they are few and long, and the loop must not
/// wait for a disk.
public final class BulkTransport: BulkSender {
    private let settings: CurlSettings
    private let configuration: TransportConfiguration
    private let besides: String
    /// The address of all calls, whatever their path; nil: beside the API's requests.
    private let fixed: String?
    private let turn = Locked(())
    private let isCancelled = Atomic(false)

    /// Maximum bytes of a response in memory: lists and states.
    static let replyBytesMax = 64 << 20
    /// A transfer slower than this for the first-byte timeout is aborted.
    static let bytesPerSecondMin = 64

    /// Maximum bytes of a response file: a provider's results are a few times its largest input.
    static let fileBytesMax = 8 << 30

    /// - Parameter path: the path of the API's requests, such as `/chat/completions`; calls use paths beside it.
    ///
    /// Throws `.configuration` like `HTTPTransport`.
    public init(_ configuration: TransportConfiguration, beside path: String) throws(RetortError) {
        var configuration = configuration
        configuration.usesLibcurlOnly = true
        configuration.connectionsMax = nil
        self.configuration = configuration
        besides = path
        fixed = nil
        settings = try CurlSettings(configuration)
    }

    /// For calls to a single address. Throws like the other initializer.
    init(_ configuration: TransportConfiguration, address: String) throws(RetortError) {
        var configuration = configuration
        configuration.usesLibcurlOnly = true
        configuration.connectionsMax = nil
        self.configuration = configuration
        besides = ""
        fixed = address
        settings = try CurlSettings(configuration)
    }

    /// Blocks until the exchange is over.
    func sendNow(_ call: BulkCall) -> Result<ModelReply, TransportFailure> { turn.withLock { _ in perform(call) } }

    /// Ends the current exchange, and all later ones, with `.cancelled`. Any thread.
    public func cancel() { isCancelled.store(true, ordering: .relaxed) }

    public func send(_ call: BulkCall) async -> Result<ModelReply, TransportFailure> {
        await withCheckedContinuation { continuation in
            WorkThread.start { [self] in
                continuation.resume(returning: turn.withLock { _ in perform(call) })
            }
        }
    }

    /// Blocks until the exchange is over.
    private func perform(_ call: BulkCall) -> Result<ModelReply, TransportFailure> {
        guard !isCancelled.load(ordering: .relaxed) else { return .failure(Self.cancelled) }
        let exchange: BulkExchange
        do throws(RetortError) {
            exchange = try BulkExchange(call, isCancelled: { [self] in isCancelled.load(ordering: .relaxed) })
        } catch {
            return .failure(TransportFailure(.cancelled, error.description, stage: .unconnected))
        }
        defer { exchange.close() }
        guard let easy = curl_easy_init() else { fatalError("out of memory") }
        defer { curl_easy_cleanup(easy) }
        let headers = headerList(call)
        defer { curl_slist_free_all(headers) }
        let words = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        words.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        defer { words.deallocate() }
        settings.applyExchange(to: easy)
        _ = retort_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, words)
        _ = retort_easy_set_pointer(easy, CURLOPT_URL, address(of: call))
        _ = retort_easy_set_pointer(easy, CURLOPT_HTTPHEADER, headers)
        _ = retort_easy_set_offset(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(Self.fileBytesMax))
        _ = retort_easy_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, Self.bytesPerSecondMin)
        if !call.isLong {
            _ = retort_easy_set_long(
                easy, CURLOPT_TIMEOUT_MS, Int(min(max(1, configuration.timeouts.total.seconds), 86_400) * 1000))
        }
        _ = retort_easy_set_long(
            easy, CURLOPT_LOW_SPEED_TIME, max(1, Int(configuration.timeouts.firstByte.seconds)))
        exchange.install(on: easy, method: call.method)
        let start = Instant.now
        let code = curl_easy_perform(easy)
        let latency = Instant.now - start
        var status = 0
        _ = retort_easy_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        if isCancelled.load(ordering: .relaxed) { return .failure(Self.cancelled) }
        if let trouble = exchange.trouble { return .failure(TransportFailure(.cancelled, trouble.description)) }
        guard code == CURLE_OK else {
            let report = CurlReport(code, easy, words)
            return .failure(
                TransportFailure(
                    exchange.isTooLarge ? .tooLarge : report.kind, "\(settings.baseURL.authority): \(report.words)",
                    stage: report.stage, latency: latency))
        }
        return .success(ModelReply(status: status, body: exchange.reply, headers: exchange.headers, latency: latency))
    }

    private static let cancelled = TransportFailure(.cancelled, "given up")

    private func address(of call: BulkCall) -> String {
        if let fixed { return fixed }
        let known = settings.baseURL.joined(besides)
        let pieces = known.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        // The base URL may include the endpoint's path.
        let end = besides.hasPrefix("/v1/") ? String(besides.dropFirst(3)) : besides
        var base = pieces[0].hasSuffix(end) ? pieces[0].dropLast(end.count) : pieces[0]
        if !call.cut.isEmpty, let cut = base.firstRange(of: call.cut) { base = base[..<cut.lowerBound] }
        let queries = (pieces.dropFirst().map(String.init) + [call.query]).filter { !$0.isEmpty }
        return base + call.path + (queries.isEmpty ? "" : "?" + queries.joined(separator: "&"))
    }

    private func headerList(_ call: BulkCall) -> UnsafeMutablePointer<curl_slist>? {
        let own = ["accept-encoding", "content-type"]
        var lines = ["Expect:"]
        let bearer = "Bearer "
        lines += configuration.requestHeaders.filter { !own.contains($0.name.lowercased()) }
            .map { header in
                guard !call.keyHeader.isEmpty, header.name.lowercased() == "authorization",
                    header.value.hasPrefix(bearer)
                else { return header }
                return (name: call.keyHeader, value: String(header.value.dropFirst(bearer.count)))
            }
            .map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        lines.append(call.body == .none ? "Content-Type:" : "Content-Type: \(call.contentType)")
        return lines.reduce(nil) { list, line in
            guard let longer = curl_slist_append(list, line) else { fatalError("out of memory") }
            return longer
        }
    }
}
