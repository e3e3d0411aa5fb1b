internal import Basics
internal import JSONText
internal import ModelAPI
internal import Synchronization

/// What a child of the run's task group brings home.
enum ChildEvent: Sendable {
    case attempt(AttemptResult)
    case judged(JudgedResult)
    /// What is known already for an item; nil where it cannot be had after all.
    case recalled(Ticket, ModelAnswer?)
    case supply([Ticket]?, RetortError?)
    case alarm
}

/// Makes attempts: sends, reads, sorts. Shared by all children of a run.
final class Attempts: Sendable {
    /// Children that have their value: the run loop takes that many from the group before it acts.
    let finished = Atomic(0)

    /// One for each endpoint.
    private let transports: [any ModelTransport]
    private let classifier: Classifier
    private let parsers = ParserPool()
    private let verifier: Verifier?
    private let memory: (any AnswerMemory)?

    /// Judges the answer that the ticket holds.
    typealias Verifier = @Sendable (Ticket) async -> VerifierRuling

    init(
        transports: [any ModelTransport], classifier: Classifier, verifier: Verifier? = nil,
        memory: (any AnswerMemory)? = nil
    ) {
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

    func attempt(_ ticket: Ticket) async -> ChildEvent {
        let asked = AskedRequest(ticket.request, corrections: ticket.corrections)
        let result = await transports[ticket.endpoint].send(asked.request)
        let parser = parsers.take()
        let judgement = classifier.judge(result, of: asked, with: parser)
        parsers.give(back: parser)
        finished.add(1, ordering: .relaxed)
        switch result {
        case .success(let reply):
            return .attempt(
                AttemptResult(ticket: ticket, judgement: judgement, reply: reply, latency: reply.latency))
        case .failure(let failure):
            return .attempt(
                AttemptResult(ticket: ticket, judgement: judgement, failure: failure, latency: failure.latency))
        }
    }
}

/// Parsers in reserve: one on a single-threaded executor, as many as threads elsewhere.
private final class ParserPool: Sendable {
    private let idle = Locked<[JSONParser]>([])

    func take() -> JSONParser {
        idle.withLock { $0.popLast() } ?? JSONParser()
    }

    func give(back parser: JSONParser) {
        idle.withLock { $0.append(parser) }
    }
}
