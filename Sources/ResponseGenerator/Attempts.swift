internal import Basics
internal import JSONText
internal import ModelAPI
internal import Synchronization

/// The result of a child of the run's task group.
enum ChildEvent: Sendable {
    case attempt(AttemptResult)
    case judged(JudgedResult)
    /// A known answer for an item; nil if it cannot be read after all.
    case recalled(Ticket, ModelAnswer?)
    case supply([Ticket]?, RetortError?)
    case alarm
}

/// Makes attempts: sends, parses, classifies. Shared by all children of a run.
final class Attempts: Sendable {
    /// Finished children: the run loop takes that many from the group before it acts.
    let finished = Atomic(0)

    /// One for each endpoint.
    private let transports: [any ModelTransport]
    private let classifier: Classifier
    private let parsers = ParserPool()
    private let verifier: Verifier?
    private let memory: (any AnswerMemory)?
    private let shared: (any SharedAllowance)?
    private let executor: (any TaskExecutor)?

    /// Judges the answer held by the ticket.
    typealias Verifier = @Sendable (Ticket) async -> VerifierRuling

    init(
        transports: [any ModelTransport], classifier: Classifier, verifier: Verifier? = nil,
        memory: (any AnswerMemory)? = nil, shared: (any SharedAllowance)? = nil,
        executor: (any TaskExecutor)? = nil
    ) {
        self.shared = shared
        self.executor = executor
        self.memory = memory
        self.verifier = verifier
        self.transports = transports
        self.classifier = classifier
    }

    func judge(_ ticket: Ticket) async -> ChildEvent {
        let ruling = await verifier?(ticket) ?? .unable("there is no verifier")
        finished.add(1, ordering: .relaxed)
        return .judged(JudgedResult(ticket: ticket, ruling: ruling))
    }

    func recall(_ ticket: Ticket) async -> ChildEvent {
        var answer: ModelAnswer?
        if let key = ticket.reuseKey { answer = await memory?.recall(key) }
        finished.add(1, ordering: .relaxed)
        return .recalled(ticket, answer)
    }

    func attempt(_ ticket: Ticket) async -> ChildEvent { judged(await send(ticket), ticket) }

    /// Not inlined, as `request(of:)`: every request in flight would keep memory for its variables.
    @inline(never)
    private func judged(_ result: Result<ModelReply, TransportFailure>, _ ticket: Ticket) -> ChildEvent {
        // An answer that cannot be divided belongs to one item.
        let asked = AskedRequest(
            ticket.group?.members[0].request ?? ticket.request, corrections: ticket.corrections)
        let parser = parsers.take()
        defer {
            parsers.give(back: parser)
            finished.add(1, ordering: .relaxed)
        }
        if let group = ticket.group, case .success(let reply) = result,
            let attempt = classifier.parts(of: reply, ticket, group, with: parser)
        {
            return .attempt(attempt)
        }
        let judgement = classifier.judge(result, of: asked, with: parser)
        switch result {
        case .success(let reply):
            let parts = judgement.isOfAnswer ? ticket.group.map { judgement.parts($0, reply) } : nil
            return .attempt(
                AttemptResult(
                    ticket: ticket, judgement: judgement, reply: reply, latency: reply.latency, parts: parts))
        case .failure(let failure):
            return .attempt(
                AttemptResult(ticket: ticket, judgement: judgement, failure: failure, latency: failure.latency))
        }
    }

    private func send(_ ticket: Ticket) async -> Result<ModelReply, TransportFailure> {
        if let cancellation = ticket.cancellation { return await send(ticket, cancellation) }
        return await transports[ticket.endpoint].send(request(of: ticket))
    }

    @inline(never)
    private func send(
        _ ticket: Ticket, _ cancellation: AttemptCancellation
    ) async -> Result<ModelReply, TransportFailure> {
        let (transport, request) = (transports[ticket.endpoint], request(of: ticket))
        return await cancellation.run(on: executor) { await transport.send(request) }
    }

    @inline(never)
    private func request(of ticket: Ticket) -> ModelRequest {
        var request = ticket.request
        if let shared {
            let taken = ticket.dispatchedAt
            request.onDeparture = { shared.departed(taken: taken, at: $0) }
        }
        return request
    }
}

extension Judgement {
    /// Whether it is about an answer, good or not.
    fileprivate var isOfAnswer: Bool {
        if case .answer = verdict { return true }
        return rejected != nil
    }

    /// For an answer that cannot be divided: the first item gets it, and the others get nothing.
    fileprivate func parts(_ group: TicketGroup, _ reply: ModelReply) -> [PartResult] {
        let missing = Verdict.retry(
            .invalidOutput, message: "the server gave one answer of \(group.members.count)", after: nil)
        let rest = PartResult(judgement: Judgement(verdict: missing), reply: reply)
        return [PartResult(judgement: self, reply: reply)] + Array(repeating: rest, count: group.members.count - 1)
    }
}

extension Classifier {
    /// Each item's part of the reply to a shared request; nil if the reply is judged as a whole.
    fileprivate func parts(
        of reply: ModelReply, _ ticket: Ticket, _ group: TicketGroup, with parser: JSONParser
    ) -> AttemptResult? {
        let count = group.members.count
        guard let divided = group.shared.division.divide(reply, for: count, with: parser),
            divided.parts.count == count
        else { return nil }
        let parts = zip(group.members, divided.parts).enumerated().map { place, pair in
            let (member, part) = pair
            return PartResult(
                judgement: judge(part, of: member.request, group.shared, place, with: parser), reply: part.reply)
        }
        let isAnswer = parts.first { if case .answer = $0.judgement.verdict { true } else { false } }
        let verdict = (isAnswer ?? parts[0]).judgement.verdict
        return AttemptResult(
            ticket: ticket, judgement: Judgement(verdict: verdict, bill: divided.bill), reply: reply,
            latency: reply.latency, parts: parts)
    }

    private func judge(
        _ part: ReplyPart, of request: ModelRequest, _ shared: SharedRequest, _ place: Int, with parser: JSONParser
    ) -> Judgement {
        if let missing = part.missing {
            return Judgement(verdict: .retry(.invalidOutput, message: missing, after: nil), bill: part.bill)
        }
        let judgement = judge(.success(part.reply), of: AskedRequest(request), with: parser)
        guard let bill = part.bill else { return judgement }
        return judgement.bearing(AnswerShare(request: shared.name, place: place, count: shared.count, bill: bill))
    }
}

/// A pool of parsers: one on a single-threaded executor, elsewhere as many as threads.
private final class ParserPool: Sendable {
    private let idle = Locked<[JSONParser]>([])

    func take() -> JSONParser {
        idle.withLock { $0.popLast() } ?? JSONParser()
    }

    func give(back parser: JSONParser) {
        idle.withLock { $0.append(parser) }
    }
}
