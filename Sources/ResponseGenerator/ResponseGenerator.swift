public import Basics
public import ModelAPI

/// Streams items through a model: a sliding window of attempts over a source that never has to fit into memory.
///
/// A task group holds at most `concurrency` attempts, one alarm and one call to the source. Each finished attempt is
/// taken from the group once; results of the same turn go to the sink as one batch, and only results that the sink has
/// taken are counted and release their slots. An item waiting for a retry occupies no slot.
///
/// One generator makes one run. `stop` and `progress` may be used from any thread.
public final class ResponseGenerator<Context: Sendable>: Sendable {
    private let configuration: GeneratorConfiguration
    private let transports: [any ModelTransport]
    private let clock: any GeneratorClock
    private let executor: (any TaskExecutor)?
    private let observer: (any ProgressObserver)?
    private let mailbox = Mailbox()
    private let latest = Locked(Progress())
    private let latestAgain = Locked(UInt64.max)

    /// - Parameters:
    ///   - executor: runs the loop and all attempts; nil: the caller's.
    ///   - observer: receives the progress.
    ///
    /// Throws `.configuration` if a number is out of its range.
    public convenience init(
        _ configuration: GeneratorConfiguration, transport: any ModelTransport,
        clock: any GeneratorClock = SystemClock(), executor: (any TaskExecutor)? = nil,
        observer: (any ProgressObserver)? = nil
    ) throws(RetortError) {
        try self.init(
            configuration, transports: [transport], clock: clock, executor: executor, observer: observer)
    }

    /// As above, with a transport for each of the configuration's endpoints, in order.
    public init(
        _ configuration: GeneratorConfiguration, transports: [any ModelTransport],
        clock: any GeneratorClock = SystemClock(), executor: (any TaskExecutor)? = nil,
        observer: (any ProgressObserver)? = nil
    ) throws(RetortError) {
        try configuration.validate()
        guard transports.count == max(1, configuration.endpoints.count) else {
            throw RetortError(
                .configuration, "\(configuration.endpoints.count) endpoints have \(transports.count) transports")
        }
        self.configuration = configuration
        self.transports = transports
        self.clock = clock
        self.executor = executor
        self.observer = observer
    }

    /// The counts as of the last report.
    public var progress: Progress { latest.withLock { $0 } }

    /// Ends the run early; if called before the run, it ends at its start.
    public func stop(_ how: Stop) { mailbox.post(how) }

    /// Sends items again that the sink recorded as failures of these classes, in this run or earlier. Ignored once the
    /// run is ending. Any thread; the caller ensures that each is added only once.
    public func askAgain(_ items: [(item: Item<Context>, failureClass: FailureClass)]) {
        // Ticket numbers distinguish items that fail in an outage; these are far from the source's.
        let again = items.map { (item, failureClass) in
            let serial = latestAgain.withLock { number in
                defer { number -= 1 }
                return number
            }
            return Mailbox.Again(ticket: ItemTicket(serial: serial, item: item), failureClass: failureClass)
        }
        mailbox.post(again)
    }

    /// Changes the run from its next decision on.
    public func steer(_ change: Steering) { mailbox.post(change) }

    /// Runs until all items of the source have an outcome, or until stopped. Cancelling its task is `stop(.now)`.
    ///
    /// - Parameter verifier: judges the answers before they count; nil: no verifier.
    public func run(
        source: any ItemSource<Context>, sink: any OutcomeSink<Context>, verifier: (any AnswerVerifier<Context>)? = nil
    ) async -> RunSummary {
        var configuration = configuration
        configuration.verifiedAnswersMax = max(0, verifier?.answersMax ?? 0)
        let latest = latest
        let observer = observer
        let mailbox = mailbox
        configuration.shared?.onLease { mailbox.wake() }
        var loop = RunLoop(
            configuration,
            attempts: Attempts(
                transports: transports, classifier: configuration.classifier, verifier: verifier.map(Self.judge),
                memory: configuration.memory, shared: configuration.shared, executor: executor),
            mailbox: mailbox, clock: clock,
            pull: Self.puller(of: source),
            accept: { (batch) throws(RetortError) in try sink.accept(batch.map(Self.outcome)) },
            note: { (nanodollars) throws(RetortError) in try sink.note(unrecordedMax: nanodollars) },
            awaitRelief: { sink.relieved { mailbox.postRelief() } },
            publish: { progress in
                latest.withLock { $0 = progress }
                observer?.progress(progress)
            })
        return await withTaskExecutorPreference(executor) {
            await withTaskGroup(of: ChildEvent.self) { group in await loop.run(&group) }
        }
    }

    private static func judge(with verifier: any AnswerVerifier<Context>) -> Attempts.Verifier {
        { ticket in
            guard let held = ticket.held else { return .unable("the item holds no answer") }
            let context = unsafeDowncast(ticket, to: ItemTicket<Context>.self).context
            let item = JudgedItem(
                context: context, request: ticket.request, round: ticket.rounds.count, rejections: ticket.rejections,
                best: ticket.best)
            return await verifier.judge(held.answer, of: item)
        }
    }

    private static func puller(of source: any ItemSource<Context>) -> @Sendable () async -> ChildEvent {
        let serials = Locked<UInt64>(0)
        return {
            do throws(RetortError) {
                guard let items = try await source.next() else { return .supply(nil, nil) }
                let first = serials.withLock { serial in
                    defer { serial += UInt64(items.count) }
                    return serial
                }
                var tickets: [Ticket] = []
                tickets.reserveCapacity(items.count)
                for item in items { tickets.append(ItemTicket(serial: first + UInt64(tickets.count), item: item)) }
                return .supply(Ticket.grouped(tickets), nil)
            } catch {
                return .supply(nil, error)
            }
        }
    }

    private static func outcome(of settlement: Settlement) -> Outcome<Context> {
        let ticket = unsafeDowncast(settlement.ticket, to: ItemTicket<Context>.self)
        var outcome = Outcome(
            context: ticket.context, result: settlement.result, attempts: ticket.attemptsInAll,
            latency: settlement.latency, finishedAt: settlement.finishedAt, rounds: ticket.rounds,
            endpoint: settlement.endpoint ?? ticket.endpoint)
        outcome.firstToken = settlement.firstToken
        return outcome
    }
}
