internal import Basics
import Distillation
internal import Glibc
internal import HTTPTransport
internal import JSONText
internal import ModelAPI
internal import ResponseGenerator
internal import RetortCommands

/// The engine with a list as its source and a list as its sink.
struct Asking {
    /// The prompt and sample that a request belongs to.
    struct Place: Sendable {
        var index: Int
        var sample: Int
    }

    private let options: Retort.Options
    private let builder: RequestBuilder
    private let access: APIAccess
    private let baseURL: String

    init(
        _ model: String, _ baseURL: String, _ endpoint: RequestBuilder.Endpoint, _ options: Retort.Options
    ) throws(RetortError) {
        var parameters = RequestParameters(model: model)
        parameters.temperature = options.temperature
        parameters.topP = options.topP
        parameters.maxTokens = options.maxTokens
        parameters.stop = options.stop
        parameters.seed = options.seed
        for (name, json) in options.parameters {
            let value = Array(json.utf8)
            guard (try? JSONParser().parse(value)) != nil else {
                throw RetortError(
                    .configuration, "the parameter's value is not JSON", at: name,
                    remedy: "Give a text with its quotes.")
            }
            parameters.extra.append((name, value))
        }
        try HTTPTransport.check(baseURL: baseURL)
        builder = try RequestBuilder(endpoint: endpoint, parameters: parameters)
        access = builder.dialect.access
        self.baseURL = baseURL
        self.options = options
    }

    /// The answers in the order of their questions.
    func lists(_ questions: [RequestInput], samples: Int) async throws(RetortError) -> [[Retort.Answer]] {
        let none = [Retort.Answer?](repeating: nil, count: samples)
        let answers = Locked(Array(repeating: none, count: questions.count))
        try await ask(questions, samples: samples) { arrival in
            answers.withLock { $0[arrival.index][arrival.sample] = arrival.answer }
        }
        return answers.withLock { lists in lists.map { $0.compactMap(\.self) } }
    }

    /// Sends all requests. `onAnswer` is called for each answer as it arrives, on the engine's thread. Throws the error
    /// that ended the whole.
    func ask(
        _ questions: [RequestInput], samples: Int, _ onAnswer: @escaping @Sendable (Retort.Arrival) -> Void
    ) async throws(RetortError) {
        precondition(samples > 0, "a prompt has one answer at least")
        guard !questions.isEmpty else { return }
        let loop = try EventLoop()
        let transport = try HTTPTransport(configuration(), on: loop)
        try loop.start()
        defer { loop.stop() }
        let generator = try ResponseGenerator<Place>(
            settings(total: questions.count * samples), transport: transport, clock: LoopClock(loop: loop),
            executor: loop, observer: nil)
        let source = ListSource(questions.map(withSystem), samples: samples, builder, options.maxTokens)
        let summary = await withTaskCancellationHandler {
            await generator.run(source: source, sink: ListSink(onAnswer))
        } onCancel: {
            generator.stop(.now)
        }
        await transport.shutdown()
        if let error = summary.error { throw error }
        if summary.ending != .completed { throw RetortError(.interrupted, "the task was cancelled") }
    }

    private func withSystem(_ question: RequestInput) -> RequestInput {
        guard let system = options.system, builder.endpoint == .chat, case .prompt(let prompt) = question else {
            return question
        }
        var turns = Array("[{\"role\":\"system\",\"content\":".utf8)
        turns += JSONToken.string(system)
        turns += Array("},{\"role\":\"user\",\"content\":".utf8)
        turns += prompt
        turns += Array("}]".utf8)
        return .messages(turns[...])
    }

    private func configuration() -> HTTPTransport.Configuration {
        var headers = options.headers
        let variables = access.keys.lazy.compactMap { key in
            getenv(key.variable).map { (key, String(cString: $0)) }
        }
        if let value = options.apiKey, let key = access.keys.first {
            headers.append((key.header, key.prefix + value))
        } else if let (key, value) = variables.first(where: { !$0.1.isEmpty }) {
            headers.append((key.header, key.prefix + value))
        }
        var environment: [String: String] = [:]
        for name in Self.networkVariables { environment[name] = getenv(name).map { String(cString: $0) } }
        var timeouts = TransportTimeouts()
        timeouts.total = options.timeout
        return HTTPTransport.Configuration(
            baseURL: baseURL, headers: headers + access.headers, timeouts: timeouts,
            network: HTTPTransport.Network(environment: environment))
    }

    private static let networkVariables = [
        "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
        "ALL_PROXY", "no_proxy", "NO_PROXY",
    ]

    private func settings(total: Int) -> GeneratorConfiguration {
        var settings = GeneratorConfiguration()
        settings.concurrency = options.concurrency
        settings.attemptsMax = options.attempts
        settings.limits.requestsPerMinute = options.requestsPerMinute
        settings.limits.tokensPerMinute = options.tokensPerMinute
        settings.keepsRounds = false
        settings.itemsTotal = total
        settings.server = baseURL
        return settings
    }
}

/// Hands out questions as items, in batches.
private final class ListSource: ItemSource {
    private let questions: [RequestInput]
    private let samples: Int
    private let builder: RequestBuilder
    private let tokensMax: Int?
    private let next = Locked(0)

    private static let batchItems = 256

    init(_ questions: [RequestInput], samples: Int, _ builder: RequestBuilder, _ tokensMax: Int?) {
        self.questions = questions
        self.samples = samples
        self.builder = builder
        self.tokensMax = tokensMax
    }

    func next() async throws(RetortError) -> [Item<Asking.Place>]? {
        let total = questions.count * samples
        let range = next.withLock { next in
            let begin = next
            next = min(total, begin + Self.batchItems)
            return begin..<next
        }
        guard !range.isEmpty else { return nil }
        var items: [Item<Asking.Place>] = []
        for number in range {
            let place = Asking.Place(index: number / samples, sample: number % samples)
            let request = try builder.request(questions[place.index])
            items.append(
                Item(
                    request: request, context: place,
                    estimatedTokens: TokenEstimate.tokens(of: request, completionTokensMax: tokensMax)))
        }
        return items
    }
}

/// Reports outcomes as they arrive.
private struct ListSink: OutcomeSink {
    let onAnswer: @Sendable (Retort.Arrival) -> Void

    init(_ onAnswer: @escaping @Sendable (Retort.Arrival) -> Void) { self.onAnswer = onAnswer }

    func accept(_ batch: [Outcome<Asking.Place>]) throws(RetortError) -> SinkPressure {
        for outcome in batch {
            guard let answer = Retort.Answer(outcome) else { continue }
            onAnswer(Retort.Arrival(index: outcome.context.index, sample: outcome.context.sample, answer: answer))
        }
        return .open
    }
}

extension Retort.Answer {
    /// Nil for an event that is not an outcome.
    fileprivate init?(_ outcome: Outcome<Asking.Place>) {
        let answer: ModelAnswer?
        switch outcome.result {
        case .answer(let whole):
            answer = whole
            failure = nil
        case .failure(let reason):
            answer = reason.answer
            failure = Retort.ItemFailure(
                name: reason.failureClass.rawValue, message: reason.message, status: reason.status)
        case .round, .opinion: return nil
        }
        let usage = answer?.usage ?? TokenUsage()
        text = failure == nil ? Self.text(answer?.responseRaw) : ""
        reasoning = Self.text(answer?.reasoningRaw)
        finishReason = answer?.finishReason ?? ""
        (promptTokens, completionTokens) = (usage.prompt, usage.completion)
        (attempts, seconds) = (outcome.attempts, outcome.latency.seconds)
    }

    /// The text of a JSON string.
    private static func text(_ token: ArraySlice<UInt8>?) -> String {
        guard let token, token.count >= 2 else { return "" }
        return String(decoding: JSONString.unescape(token.dropFirst().dropLast()), as: UTF8.self)
    }
}
