import Basics
import CommandLine
import Dataset
import Glibc
import ResponseGenerator

/// `--otlp`: sends the exchanges of a run as spans to an OpenTelemetry collector, from a thread of its own. A slow or
/// unreachable collector loses spans, which are counted, but never delays the run.
final class TelemetryExporter: Sendable {
    private struct State: Sendable {
        var queue = TelemetryQueue()
        var metrics = TelemetryMetrics()
        var isEnding = false
        var hasEnded = false
    }

    /// A run, or a stage of several.
    private struct Source: Sendable {
        var servers: [TelemetryServer]
        var isJudged: Bool
        var stage: String?
        var secrets: Secrets
    }

    private let sources: [Source]
    private let traces: PostTarget
    private let metrics: PostTarget
    private let resource: OTLPBody.Resource
    private let start: UInt64
    private let state = Monitor(State())
    private let warn: @Sendable (String) -> Void

    /// Maximum spans per request.
    private static let batchSpans = 512
    private static let turn = Interval.milliseconds(200)
    private static let metricsEvery = Interval.seconds(10)
    private static let postTime = Interval.seconds(10)
    /// Maximum time that the end of a run waits for unsent spans.
    private static let endTime = Interval.seconds(5)
    private static let pauseMin = Interval.seconds(1)
    private static let pauseMax = Interval.seconds(30)
    private static let option = "--otlp"

    /// The exporter for the options; nil: none. Throws for an invalid URL or invalid headers.
    /// - Parameter stages: with their names; for a run one without a name.
    init?(
        _ command: ParsedCommand, _ stages: [(name: String?, settings: RunSettings)],
        environment: [String: String], warn: @escaping @Sendable (String) -> Void
    ) throws(RetortError) {
        guard var address = command.stringIfSet("otlp"), let settings = stages.first?.settings else { return nil }
        while address.hasSuffix("/") { address.removeLast() }
        let headers = try Self.pairs(environment, "OTEL_EXPORTER_OTLP_HEADERS")
        func target(_ signal: String) throws(RetortError) -> PostTarget {
            try PostTarget(
                "\(address)/v1/\(signal)", option: Self.option, headers: headers, timeout: Self.postTime,
                network: settings.reportNetwork)
        }
        (traces, metrics, self.warn) = (try target("traces"), try target("metrics"), warn)
        let name = environment["OTEL_SERVICE_NAME"].flatMap { $0.isEmpty ? nil : $0 } ?? "retort"
        let given = try Self.pairs(environment, "OTEL_RESOURCE_ATTRIBUTES").filter { $0.name != "service.name" }
        resource =
            [("service.name", name), ("service.version", RetortVersion.text), ("process.pid", String(getpid()))]
            + given.map { ($0.name, $0.value) }
        sources = stages.map {
            Source(
                servers: TelemetryServer.all(of: $0.settings), isJudged: $0.settings.verifier != nil, stage: $0.name,
                secrets: $0.settings.secrets)
        }
        start = Self.wallNanoseconds
        WorkThread.start(givesWay: true) { [self] in work() }
    }

    /// Takes the ended exchanges of the run or stage with this number. Copies what the spans need; never waits for a
    /// collector.
    private func settled(_ batch: [Outcome<ItemContext>], of run: Int) {
        let offset = Int64(bitPattern: Self.wallNanoseconds) &- Instant.now.nanoseconds
        let spans = batch.compactMap {
            TelemetrySpan($0, run: run, offset: offset, isJudged: sources[run].isJudged)
        }
        guard !spans.isEmpty else { return }
        // Does not wake the thread, which polls.
        state.wait { state in
            for span in spans { state.queue.add(span) }
            return ()
        }
    }

    /// `settled` for one run or stage.
    func listener(_ run: Int) -> @Sendable ([Outcome<ItemContext>]) -> Void {
        { [self] batch in settled(batch, of: run) }
    }

    /// Sends the queued spans, for a few seconds at most, and reports how many were not sent.
    func finish() {
        state.update { $0.isEnding = true }
        _ = state.wait(atMost: Self.endTime) { $0.hasEnded ? true : nil }
        let queue = state.update { state in
            state.queue.dropRest("\(traces.name) was too slow at the end of the run")
            return state.queue
        }
        guard queue.dropped > 0 else { return }
        let all = Human.count(queue.sent.addingSaturated(queue.dropped))
        warn("\(Self.option): \(Human.count(queue.dropped)) of \(all) spans were not sent: \(queue.reason)")
    }

    // MARK: The thread

    private func work() {
        var nextMetrics = Instant.now + Self.metricsEvery
        var pause = Self.pauseMin
        var pending: [TelemetrySpan] = []
        while true {
            let isEnding = state.wait(atMost: Self.turn) { $0.isEnding ? true : nil } ?? false
            if pending.isEmpty { pending = takeBatch() }
            while !pending.isEmpty, post(&pending) {
                pause = Self.pauseMin
                pending = takeBatch()
            }
            if Instant.now >= nextMetrics || isEnding {
                postMetrics()
                nextMetrics = Instant.now + Self.metricsEvery
            }
            if isEnding { break }
            // A failed request is retried at growing intervals.
            if !pending.isEmpty {
                _ = state.wait(atMost: pause) { $0.isEnding ? true : nil }
                pause = min(pause + pause, Self.pauseMax)
            }
        }
        state.update { state in
            state.queue.dropRest("\(traces.name) does not take them")
            state.hasEnded = true
        }
    }

    private func takeBatch() -> [TelemetrySpan] {
        var spans = state.update { state in
            state.queue.take(Self.batchSpans)
        }
        for place in spans.indices { spans[place].readModel(else: server(of: spans[place]).model) }
        let read = spans
        state.update { state in
            for span in read { state.metrics.add(span, server(of: span)) }
        }
        return read
    }

    /// False if the same spans must be sent again.
    private func post(_ spans: inout [TelemetrySpan]) -> Bool {
        var random = SystemRandomNumberGenerator()
        func digits() -> String { Hexadecimal.string(UInt64.random(in: 1 ... .max, using: &random)) }
        let trees = spans.map { span in
            let source = sources[span.run]
            return OTLPBody.span(
                span, server(of: span), trace: digits() + digits(), id: digits(),
                message: source.secrets.blotted(span.message), stage: source.stage)
        }
        switch traces.send(OTLPBody.traces(trees, resource)) {
        case .taken: state.update { $0.queue.settleSent() }
        case .refused(let why):
            tellOnce(why)
            state.update { $0.queue.settleDropped(why) }
        case .failed(let why):
            tellOnce(why)
            return false
        }
        spans = []
        return true
    }

    private let hasTold = Locked(false)

    private func tellOnce(_ why: String) {
        let isFirst = hasTold.withLock { told in
            defer { told = true }
            return !told
        }
        if isFirst { warn("\(Self.option): not sent: \(why); the run continues") }
    }

    private func postMetrics() {
        let values = state.update { $0.metrics }
        guard !values.groups.isEmpty else { return }
        // Values are cumulative: the next request makes up for a lost one.
        _ = metrics.send(OTLPBody.metrics(values, start: start, now: Self.wallNanoseconds, resource))
    }

    private func server(of span: TelemetrySpan) -> TelemetryServer {
        let servers = sources[span.run].servers
        return servers[min(span.endpoint, servers.count - 1)]
    }

    private static var wallNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) * 1_000_000_000 + UInt64(clamping: time.tv_nsec)
    }

    /// `name=value,name=value` in a variable, percent-encoded as OpenTelemetry specifies.
    static func pairs(
        _ environment: [String: String], _ variable: String
    ) throws(RetortError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for part in (environment[variable] ?? "").split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = sides[0].filter { $0 != " " }
            guard sides.count == 2, !name.isEmpty, let value = decoded(sides[1]) else {
                throw RetortError(
                    .configuration, "not a list of name=value", at: "$\(variable)",
                    remedy: "Write name=value,name=value, with %2C for a comma in a value.")
            }
            pairs.append((String(name), value))
        }
        return pairs
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.drop { $0 == 0x20 }[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2 else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        let isPlain = bytes.allSatisfy { (0x20..<0x7F).contains($0) || $0 >= 0x80 }
        return isPlain ? String(validating: bytes, as: UTF8.self) : nil
    }
}
