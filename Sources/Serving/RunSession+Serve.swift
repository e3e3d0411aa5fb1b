package import Basics
package import CommandLine
package import Dataset
package import Distillation
import Glibc
package import HTTPServer
package import HTTPTransport
import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// The result of `retort serve`.
package struct ServeResult: Sendable {
    package var session: RunResult
    /// Requests that were answered from the store.
    package var reused: Int
}

extension RunSession {
    /// The job's member that marks the store of a server.
    package static let frontName = "front"

    /// Serves clients until a signal arrives, or until the store fails.
    ///
    /// - Parameter onStart: called with the port.
    package func serve(
        _ serving: ServeSettings, onStart: (UInt16) throws(RetortError) -> Void
    ) async throws(RetortError) -> ServeResult {
        let listener = try ListeningSocket(host: serving.address.host, port: serving.address.port)
        try serving.refuseLoop(port: listener.port)
        var job = JobDescription(settings).adopting(try RecordStore.manifest(of: settings.out))
        job.values[Self.frontName] = "serve"
        var reused = 0
        var served = self
        served.clientConnections = ServeFront.connectionsMax
        let result = try await served.session(
            open: { () throws(RetortError) in
                let store = try openStore(job)
                try settings.noteServers(in: store, replacing: true)
                try settings.noteOrigins(in: store)
                return store
            },
            drive: { (session, store, transport, loop) throws(RetortError) in
                let server = try ServeDriver(session, serving, store, loop)
                let result = try await server.run(transport, listener, onStart)
                reused = server.reusedCount
                return result
            })
        return ServeResult(session: result, reused: reused)
    }
}

/// Runs one generator after another for the clients of one server.
package final class ServeDriver {
    private let session: RunSession
    private let serving: ServeSettings
    private let store: RecordStore
    private let loop: EventLoop
    private let source = ClientSource()
    private let waiting = WaitingClients()
    private let stored: StoredAnswers
    private let taker: RequestTaker
    private let accounts: ClientAccounts
    private let batches: BatchRunner
    private let control: ServeControl

    /// How long the last replies may take to be sent.
    private static let farewell = Interval.seconds(5)
    private static let rowNote = "served_rows"

    package var reusedCount: Int { taker.reusedCount }

    package init(
        _ session: RunSession, _ serving: ServeSettings, _ store: RecordStore, _ loop: EventLoop
    ) throws(RetortError) {
        self.session = session
        self.serving = serving
        self.store = store
        self.loop = loop
        stored = StoredAnswers(store.root)
        let counters = store.counters
        let noted = store.manifest.notes?[Self.rowNote].flatMap { UInt64($0) } ?? 0
        accounts = ClientAccounts(spent: serving.keys == nil ? [:] : try ClientBooks.load(store))
        taker = RequestTaker(
            serving, store, source, waiting, stored, accounts, firstRow: max(counters.done + counters.failed, noted))
        batches = BatchRunner(
            try BatchShelf(in: store.root), taker, store, keys: serving.keys,
            window: session.settings.generator.concurrency)
        control = ServeControl(session.messages, drainTimeout: session.settings.drainTimeout)
    }

    package func run(
        _ transport: HTTPTransport, _ listener: ListeningSocket, _ onStart: (UInt16) throws(RetortError) -> Void
    ) async throws(RetortError) -> RunResult {
        let settings = session.settings
        try store.beginInput(
            identity: InputMark.sole.mark(
                Hash128(high: .random(in: 1...UInt64.max), low: .random(in: 0...UInt64.max))),
            files: ["retort serve"])
        let superseded = try settings.pricing.limit.map { _ throws(RetortError) in try session.costOfSuperseded() }
        let ways = try makeWays(transport)
        let guarded = ways.map { way in
            EndpointTransports(
                openAI: way.openAI.map { settings.secrets.guarding($0) },
                anthropic: way.anthropic.map { settings.secrets.guarding($0) })
        }
        let live = session.live
        let codec = RecordCodec(
            prices: settings.pricing.version, keepsBody: true, costs: try CostColumn(of: settings.out))
        let sink = AnsweringSink(
            Recorder(store, codec: codec, issued: IssuedKeys(), watch: live?.watch), waiting, stored
        ) { [accounts] in accounts.note($0) }
        let reporter = ServeReporter(
            RunDisplay(session.messages, store: store, meter: HealthMeter(loop)), store: store,
            publisher: RunPublisher(settings, command: "serve", watch: live?.watch))
        let front = ServeFront(
            settings: serving, taker: taker, transports: guarded, batches: batches,
            connectionsMax: max(1, session.clientConnections))
        let server = try front.start(on: listener)
        control.start { [taker, batches] in
            taker.end()
            batches.stop()
        }
        try onStart(server.port)
        batches.start()
        var summary: RunSummary
        repeat {
            let spending = Spending(
                store.counters, mark: store.mark, superseded: superseded ?? 0, notes: store.manifest.notes)
            let generator = try ResponseGenerator<ItemContext>(
                session.generatorConfiguration(store, store.counters, spending, isOtherJob: false),
                transports: guarded.map { session.watched($0, store) }, clock: LoopClock(loop: loop), executor: loop,
                observer: reporter)
            control.attach(generator)
            live?.control.attach(generator, settings: settings) { [control] in control.end() }
            summary = await generator.run(source: source, sink: sink)
            reporter.ended(summary.progress)
            release(summary)
        } while !control.isStopping && Self.canGoOn(summary)
        taker.end()
        batches.stop()
        await farewell(server)
        stored.stop()
        reporter.finish(summary.progress)
        for way in ways {
            await way.openAI?.shutdown()
            await way.anthropic?.shutdown()
        }
        return try end(summary, reporter, superseded: superseded)
    }

    /// After an outage, or at the cap, the next request starts a new generator. A store that cannot be written ends the
    /// server.
    private static func canGoOn(_ summary: RunSummary) -> Bool {
        guard summary.unsaved == 0, let error = summary.error else { return false }
        switch error.code {
        case .incomplete, .configuration, .refused: return true
        default: return false
        }
    }

    /// Clients whose requests will not be sent get the reason.
    private func release(_ summary: RunSummary) {
        source.clear()
        accounts.releaseAll()
        let error = summary.error.map { [$0.message, $0.cause ?? ""].filter { !$0.isEmpty }.joined(separator: ": ") }
        let reply = ClientReply(
            ClientError(
                503, error ?? "the server is ending", code: error == nil ? "ending" : "unavailable",
                retryAfterSeconds: RequestTaker.retryAfterSeconds))
        for client in waiting.takeAll() { client.take(reply) }
    }

    private func farewell(_ server: HTTPServer) async {
        let deadline = Instant.now + Self.farewell
        while server.openRequests > 0, Instant.now < deadline { try? await Task.sleep(nanoseconds: 5_000_000) }
        server.stop()
        // It reads the store, which is closed next.
        while !batches.isEnded { try? await Task.sleep(nanoseconds: 5_000_000) }
    }

    private func end(
        _ summary: RunSummary, _ reporter: ServeReporter, superseded: Int?
    ) throws(RetortError) -> RunResult {
        let counters = store.counters
        if serving.keys != nil { try ClientBooks.save(accounts.spent, in: store) }
        try store.note(Self.rowNote, String(taker.nextRow))
        try store.endInput(rows: counters.done + counters.failed)
        var summary = summary
        summary.progress = reporter.all
        let result = RunResult(
            summary: summary, standing: reporter.standing(summary.progress), counters: counters,
            spending: session.spending(of: store, superseded: superseded), simulatorCounts: nil,
            wasInterrupted: control.isStopping)
        reporter.publisher.end(result)
        return result
    }

    /// For each server the ways to both APIs. The session's transports are those to one of them; the other one has its own
    /// headers.
    private func makeWays(
        _ transport: HTTPTransport
    ) throws(RetortError) -> [(openAI: HTTPTransport?, anthropic: HTTPTransport?)] {
        let own = session.ways(transport)
        if session.settings.simulator != nil { return own.map { ($0, $0) } }
        guard case .success = serving.openAI else { return own.map { (nil, $0) } }
        guard case .success(let access) = serving.anthropic else { return own.map { ($0, nil) } }
        return zip(own, try session.makeTransports(to: access.servers, loop)).map { ($0, $1) }
    }
}

/// A server's reaction to signals and commands. Any thread.
package final class ServeControl: Sendable {
    private struct State {
        var generator: ResponseGenerator<ItemContext>?
        var stop: Stop?
    }

    private let state = Locked(State())
    private let messages: MessageStream
    private let drainTimeout: Interval
    private let onFirst = Locked<(@Sendable () -> Void)?>(nil)

    package init(_ messages: MessageStream, drainTimeout: Interval) {
        self.messages = messages
        self.drainTimeout = drainTimeout
    }

    package var isStopping: Bool { state.withLock { $0.stop != nil } }

    /// - Parameter onFirst: called at the first signal, or at a command to end.
    package func start(onFirst: @escaping @Sendable () -> Void) {
        self.onFirst.withLock { $0 = onFirst }
        SignalWatcher.onSignal { [self] count in
            if count == 1 {
                onFirst()
                messages.line("ending: waiting for requests in flight; press Ctrl-C again to stop now")
            }
            switch count {
            case 1: stop(.drain(deadline: .now + drainTimeout))
            case 2: stop(.now)
            // Even now nothing received is lost: the next start recovers it from the journal.
            default: _exit(ExitCode.interrupted.rawValue)
            }
        }
    }

    /// Accepts no new requests. The caller tells the generator how to end.
    package func end() {
        onFirst.withLock { $0 }?()
        state.withLock { $0.stop = $0.stop ?? .drain(deadline: .now + drainTimeout) }
    }

    private func stop(_ how: Stop) {
        state.withLock { state in
            state.stop = how
            return state.generator
        }?.stop(how)
    }

    package func attach(_ generator: ResponseGenerator<ItemContext>) {
        let stop = state.withLock { state in
            state.generator = generator
            return state.stop
        }
        if let stop { generator.stop(stop) }
    }
}
