import Basics
import JSONText

/// Decides the reply to each request. It reads no clock and does no I/O; one thread uses it at a time.
final class Responder {
    struct Request {
        var route: Route
        var body: [UInt8] = []
        /// The request's key, from whichever header has it.
        var key: String?
        var form = ProviderForm.openAI
        /// For requests to the batch APIs.
        var contentType: String?
        var host: String?
        var after: String?
        var limit: Int?
        /// For lists in numbered pages.
        var page: Int?
        var pageSize: Int?
        var pageToken: String?
        var purpose: String?
    }

    private let configuration: SimulatorConfiguration
    let ledger: Locked<Ledger>
    private let text: TextGenerator
    private let parser = JSONParser()
    let desk: BatchDesk
    private var limiter: RateLimiter
    private var flexTier: FlexTier
    private var sequence: UInt64 = 0

    init(_ configuration: SimulatorConfiguration, ledger: Locked<Ledger>, at now: Instant) {
        self.configuration = configuration
        self.ledger = ledger
        desk = BatchDesk(configuration)
        flexTier = configuration.flexTier
        text = TextGenerator(
            seed: configuration.seed, answerTokens: configuration.answerTokens,
            reasoningTokens: configuration.reasoningTokens, jsonFaults: configuration.jsonFaults)
        limiter = RateLimiter(
            requestsPerMinute: configuration.requestsPerMinute, tokensPerMinute: configuration.tokensPerMinute,
            requestsAtOnce: configuration.requestsAtOnce, at: now)
    }

    /// The reply to a complete request that arrived at `now`; `date` is the wall clock, for timestamps in replies.
    func reply(to request: Request, at now: Instant, date: Int64) -> Reply {
        switch request.route {
        case .completion(let endpoint):
            do {
                return try complete(request, endpoint, at: now, date: date)
            } catch {
                return Reply(error, to: endpoint)
            }
        case .models: return Reply(body: modelList(date))
        case .batches(let route): return batches(route, request, at: now, date: date)
        case .counts: return Reply(body: ledger.withLock { $0.counts }.json)
        case .items: return itemList()
        case .reset:
            ledger.withLock { $0.reset() }
            desk.reset()
            return Reply(body: Array("{}\n".utf8))
        case .wrongMethod(let allowed):
            var reply = Reply(.wrongMethod(allowed: allowed))
            reply.headers = [("allow", allowed)]
            return reply
        case .unknown: return Reply(.unknownPath)
        }
    }

    private func complete(
        _ incoming: Request, _ endpoint: CompletionRequest.Endpoint, at now: Instant, date: Int64,
        isInBatch: Bool = false
    ) throws(APIError) -> Reply {
        try checkKey(incoming)
        let request = try parse(incoming.body, endpoint)
        let attempt = ledger.withLock { $0.attempt(at: request.item) }
        sequence += 1
        var reply: Reply
        if !isInBatch, let refusal = admit(request, at: now, date: date) {
            reply = refusal
        } else if request.isFlex, !isInBatch, let error = flexTier.refusal() {
            reply = Reply(error, to: endpoint)
        } else {
            let fault = configuration.faults.fault(item: request.item, attempt: attempt, seed: configuration.seed)
            if let fault { ledger.withLock { $0.note(fault) } }
            var random = SplitMix64(seed: configuration.seed, request.item, UInt64(attempt), for: .latency)
            let latency = Interval.seconds(min(configuration.latency.sample(&random), Self.latencySecondsMax))
            if let error = fault?.error {
                reply = refuse(request, with: error, fault: fault, date: date)
                if error.status >= 500 { reply.delay = latency }
            } else {
                reply = answer(request, attempt, fault: fault, latency: latency, date: date)
                // The provider of a batch bills what the result file holds.
                if isInBatch, reply.ending != .whole || fault == .truncate || fault == .empty { reply.bill = nil }
                if let bill = reply.bill { ledger.withLock { $0.bill(bill) } }
            }
        }
        var random = SplitMix64(seed: configuration.seed, request.item, sequence, for: .identifier)
        var identifier = Array("req_".utf8)
        identifier.append(hexadecimal: random.next())
        reply.headers.append(("x-request-id", String(decoding: identifier, as: UTF8.self)))
        if limiter.isActive, configuration.tellsLimits { reply.headers += limiter.headers }
        return reply
    }

    func checkKey(_ incoming: Request) throws(APIError) {
        if let key = configuration.apiKey, incoming.key != key { throw .invalidKey }
    }

    /// The answer to a line of a batch: as its route would answer, without rate limits.
    func answer(
        line body: [UInt8], _ endpoint: CompletionRequest.Endpoint, key: String?, at now: Instant, date: Int64
    ) -> Reply {
        let epoch = ledger.withLock { ledger in
            ledger.receive(at: now)
            return ledger.epoch
        }
        var reply: Reply
        do throws(APIError) {
            reply = try complete(
                Request(route: .completion(endpoint), body: body, key: key), endpoint, at: now, date: date,
                isInBatch: true)
        } catch {
            reply = Reply(error, to: endpoint)
        }
        ledger.withLock { ledger in
            ledger.give(status: reply.status, reply.receipt)
            ledger.end(reply.receipt, epoch: epoch)
        }
        return reply
    }

    /// One day: the maximum latency, whatever a distribution draws.
    private static let latencySecondsMax = 86_400.0

    private func parse(
        _ body: [UInt8], _ endpoint: CompletionRequest.Endpoint
    ) throws(APIError) -> CompletionRequest {
        let document: JSONDocument
        do {
            document = try parser.parse(body)
        } catch {
            throw .invalidRequest("The request body is not JSON: \(error).")
        }
        let request = try CompletionRequest(document.root, endpoint: endpoint, heeding: configuration.schemaForms)
        if !configuration.models.isEmpty {
            let name = document.root["model"]?.string ?? ""
            guard configuration.models.contains(name) else { throw .unknownModel(name) }
        }
        return request
    }

    /// Takes the request's share of the limits. Tokens are estimated from `max_tokens`, as the real service does.
    private func admit(_ request: CompletionRequest, at now: Instant, date: Int64) -> Reply? {
        guard limiter.isActive else { return nil }
        let each = request.tokensMax ?? Int(min(configuration.answerTokens.mean, Double(TextGenerator.tokensMax)))
        let estimate = request.promptTokens + each * request.choices * request.topics.count
        switch limiter.admit(tokens: estimate, at: now) {
        case .granted: return nil
        case .refused(let limit, let wait):
            ledger.withLock { $0.noteRateLimited() }
            let error = APIError.rateLimited("The limit of \(limit) per minute is reached.", type: limit)
            var reply = Reply(error, to: request.endpoint)
            if configuration.tellsLimits { reply.headers = retryAfter(wait, date: date) }
            return reply
        }
    }

    private func refuse(_ request: CompletionRequest, with error: APIError, fault: Fault?, date: Int64) -> Reply {
        var reply = Reply(error, to: request.endpoint)
        if fault == .rateLimited { reply.headers = retryAfter(configuration.retryAfter, date: date) }
        return reply
    }

    private func retryAfter(_ interval: Interval, date: Int64) -> [(name: String, value: String)] {
        let seconds = (interval.nanoseconds + 999_999_999) / 1_000_000_000
        switch configuration.retryAfterForm {
        case .seconds: return [("retry-after", String(seconds))]
        case .date: return [("date", HTTPDate.text(date)), ("retry-after", HTTPDate.text(date + seconds))]
        case .milliseconds:
            let milliseconds = (interval.nanoseconds + 999_999) / 1_000_000
            return [("retry-after-ms", String(milliseconds)), ("retry-after", String(seconds))]
        }
    }

    private func answer(
        _ request: CompletionRequest, _ attempt: Int, fault: Fault?, latency: Interval, date: Int64
    ) -> Reply {
        var random = SplitMix64(seed: configuration.seed, request.item, sequence, for: .identifier)
        var completion = Completion(request: request, identifier: random.next(), created: date, generations: [])
        for topic in request.topics.indices {
            for choice in 0..<request.choices {
                completion.generations.append(
                    text.generation(for: request, topic: topic, choice: choice, attempt: Int(attempt)))
            }
        }
        return configuration.reply(with: completion, fault: fault, latency: latency)
    }

    private func modelList(_ date: Int64) -> [UInt8] {
        var output: [UInt8] = []
        output.append(text: #"{"object":"list","data":["#)
        for (index, name) in (configuration.models.isEmpty ? ["simulated"] : configuration.models).enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            output.append(text: #"{"id":"#)
            JSONString.append(name, to: &output)
            output.append(text: #","object":"model","created":"#)
            output.append(decimal: Int(date))
            output.append(text: #","owned_by":"simulator"}"#)
        }
        output.append(text: "]}\n")
        return output
    }

    /// One JSON object per line for each item, in no particular order.
    private func itemList() -> Reply {
        var reply = Reply()
        reply.contentType = "application/jsonl"
        let items = ledger.withLock { $0.items }
        for (item, tally) in items {
            reply.body.append(text: #"{"item":""#)
            reply.body.append(hexadecimal: item)
            reply.body.append(text: #"","attempts":"#)
            reply.body.append(decimal: Int(tally.attempts))
            reply.body.append(text: #","given":"#)
            reply.body.append(decimal: Int(tally.given))
            reply.body.append(text: #","answered":"#)
            reply.body.append(decimal: Int(tally.answered))
            reply.body.append(text: #","refused":"#)
            reply.body.append(decimal: Int(tally.refused))
            reply.body.append(text: "}\n")
        }
        return reply
    }
}
