package import Basics
package import CommandLine
package import Dataset
import Glibc
package import HTTPTransport
package import ModelAPI
package import ModelSimulator
import PromptSource
package import ResponseGenerator
package import SegmentStore
import SharedLimit

/// One run from opening the store to closing it: connects source, generator, transport and store.
package struct RunSession {
    package private(set) var settings: RunSettings
    package let messages: MessageStream
    package let isQuiet: Bool
    /// Its connection to the other stages of its pipeline; nil: it is not a stage.
    package let stage: StageContext?
    /// Monitoring and control of the running run; nil in tests.
    package let live: LiveRun?
    /// Called with the progress from time to time; nil if it is only displayed.
    package let onProgress: (@Sendable (RunRecord) -> Void)?
    /// Keeps descriptors for the store's files during a session.
    private let files = PosixFileSystem()
    /// Maximum connections under the limit of open files; nil if there is room for all.
    private var connectionsMax: Int?
    /// Client connections to be served at the same time; 0 in a run.
    package var clientConnections = 0
    /// The servers except the first, during a session.
    private var otherServers: [HTTPTransport] = []

    package init(
        settings: RunSettings, messages: MessageStream, isQuiet: Bool, stage: StageContext? = nil,
        live: LiveRun? = nil, onProgress: (@Sendable (RunRecord) -> Void)? = nil
    ) {
        self.onProgress = onProgress
        self.stage = stage
        self.live = live
        self.settings = settings
        self.messages = messages
        self.isQuiet = isQuiet
    }

    /// For a run with a number of accepted answers: the counts of the earlier samples.
    package private(set) var drawn: AcceptedGoal.Count?

    /// The built-in server that several legs share; nil: each has its own.
    package private(set) var heldSimulator: ModelSimulator?

    /// The session with a built-in server that stays between its legs, if it uses one.
    package func holdingSimulator() throws(RetortError) -> RunSession {
        var session = self
        session.heldSimulator = try startSimulator()
        return session
    }

    /// The session with changed settings: a leg of its route.
    package func leg(_ change: (inout RunSettings) -> Void) -> RunSession {
        var session = self
        change(&session.settings)
        return session
    }

    /// The session for another number of samples per row.
    package func drawing(_ samples: Int, after drawn: AcceptedGoal.Count?) -> RunSession {
        var session = self
        session.settings.samples = samples
        session.drawn = drawn
        return session
    }

    package func run() async throws(RetortError) -> RunResult {
        try MountCheck.check(settings.out, isShard: settings.shard != nil)
        let input = try RunInput.resolve(settings)
        var job = JobDescription(settings).adopting(try RecordStore.manifest(of: settings.out))
        try RowTrial.check(input, settings, job: job)
        for remark in try TemplateTrial.remarks(input, settings, job: job) where !isQuiet { messages.line(remark) }
        try RowPrices.check(input, settings, job: job)
        if !isQuiet, let line = try InputAnnouncement.line(input, settings.inputs) { messages.line(line) }
        if !isQuiet, let remark = settings.check?.remark { messages.line(remark) }
        if !isQuiet, let remark = settings.telling.remark(settings.check, settings.endpoint) { messages.line(remark) }
        if !isQuiet, let remark = settings.reuse?.remark(temperature: settings.parameters.temperature) {
            messages.line(remark)
        }
        try BatchGuard.check(settings)
        job = try takeUpBadRows(input, job)
        try takeOnTemplate(input, job)
        try raiseSamples(job)
        try supersedeChangedItems(input, job)
        return try await session(
            open: { () throws(RetortError) in
                let store = try openStore(job)
                try BatchGuard.withdraw(settings, store)
                try settings.noteServers(in: store, replacing: true)
                if let check = settings.check { try check.note(in: store) }
                if let verifier = settings.verifier { try verifier.note(in: store) }
                try BadRowsNote.write(input, settings, to: store)
                try settings.noteOrigins(in: store)
                return store
            },
            drive: { (session, store, transport, loop) throws(RetortError) in
                defer { stage?.desk?.pause() }
                if let route = session.settings.route { try DeadlineNote.write(route, to: store) }
                let session = try await session.telling(store, transport)
                if let batch = session.settings.batch {
                    return try await session.driveBatch(batch, input, store, transport, loop)
                }
                return try await session.drive(input, store, transport, loop)
            })
    }

    /// The session whose requests announce the schema, by means that were probed if necessary. Stores what later
    /// retries need to know.
    private func telling(
        _ store: RecordStore, _ transport: HTTPTransport
    ) async throws(RetortError) -> RunSession {
        guard settings.check != nil else { return self }
        var session = self
        if settings.telling.means == nil {
            var means = FoundMeans(of: store.manifest, for: settings)?.means
            if means == nil {
                let found = try await SchemaProbe(
                    settings, settings.secrets.guarding(transport), store, pool: stage?.pipeline.pool
                ).find()
                try FoundMeans(found.means, settings).write(to: store)
                if !isQuiet { messages.line(found.text) }
                means = found.means
            }
            try session.settings.tell(by: means ?? .prompt)
        }
        if let text = session.settings.instructions {
            try ToldInstructions.add(settings.telling.instructions, text, to: store)
        }
        return session
    }

    /// The common part of all sessions: starts server and loop, and opens, drives and closes the store. `drive` gets
    /// the session with a window that fits the limit of open files.
    package func session(
        open: () throws(RetortError) -> RecordStore,
        drive: (RunSession, RecordStore, HTTPTransport, EventLoop) async throws(RetortError) -> RunResult
    ) async throws(RetortError) -> RunResult {
        let simulator = if let heldSimulator { heldSimulator } else { try startSimulator() }
        defer { if heldSimulator == nil { simulator?.stop() } }
        let loop = try EventLoop()
        var fitted = try fittingDescriptors()
        let transport = try fitted.makeTransport(simulator, loop)
        fitted.otherServers = try fitted.makeOtherTransports(loop)
        try loop.start()
        defer { loop.stop() }
        let store = try open()
        report(store.recovery)
        live?.open(in: settings.out)
        let driven: Result<RunResult, RetortError>
        do throws(RetortError) {
            driven = .success(try await drive(fitted, store, transport, loop))
        } catch {
            // The first error is the cause; the one of closing adds nothing.
            driven = .failure(error)
            live?.close()
            try? store.close()
        }
        settings.limitClient?.finish(spentMax: (try? driven.get())?.spending.total)
        // Closed while the store is locked: afterwards the socket may be another run's.
        live?.close()
        var result = try driven.get()
        result.simulatorCounts = simulator?.counts
        let disorderly = ([transport] + fitted.otherServers).filter { $0.statistics.sendsUnaskedBytes }
        if !disorderly.isEmpty { result.disorderlyServer = disorderly.map(\.authority).joined(separator: ", ") }
        do throws(RetortError) {
            try store.close()
        } catch {
            if result.summary.error == nil { result.summary.error = error }
        }
        report(store.indexTrouble)
        result.damage = store.knownDamage()
        result.cost = .now
        return result
    }

    /// The session with as many requests in flight as the limit of open files allows after the store's share. Throws if
    /// that is none, before anything is sent.
    private func fittingDescriptors() throws(RetortError) -> RunSession {
        let limit = DescriptorLimit.raise()
        let judging = settings.verifier.map(DescriptorBudget.ofVerifier) ?? 0
        let before = DescriptorBudget.count(limit: limit) + judging
        let perRequest = settings.simulator == nil ? 1 : 2
        do throws(RetortError) {
            try files.keepDescriptors(StoreLimits.descriptorsMax)
        } catch {
            let used = before + StoreLimits.descriptorsMax
            _ = try DescriptorBudget(limit: limit, used: used, perRequest: perRequest).fitted(1)
            throw error
        }
        var session = self
        let used = DescriptorBudget.count(limit: limit) + judging
        // Clients get half of the descriptors, since each of their requests becomes one to the server.
        session.clientConnections = min(clientConnections, max(0, limit - used - DescriptorBudget.margin) / 2)
        let budget = DescriptorBudget(limit: limit, used: used + session.clientConnections, perRequest: perRequest)
        let wanted = settings.generator.concurrency
        session.settings.generator.concurrency = try budget.fitted(wanted)
        let windows = settings.generator.endpoints.reduce(0) { $0 + min($1.concurrency ?? wanted, wanted) }
        // Idle connections at one server leave room for those to the others.
        if windows > budget.requestsMax {
            session.connectionsMax = max(1, budget.requestsMax / settings.generator.endpoints.count)
        }
        guard session.settings.generator.concurrency < wanted else { return session }
        session.connectionsMax = session.connectionsMax ?? session.settings.generator.concurrency
        if !isQuiet {
            messages.line(
                budget.notice(
                    session.settings.generator.concurrency, insteadOf: wanted,
                    isAutomatic: settings.generator.isConcurrencyAutomatic))
        }
        return session
    }

    package func startSimulator() throws(RetortError) -> ModelSimulator? {
        guard stage == nil, let configuration = settings.simulator else { return nil }
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        return simulator
    }

    package func makeTransport(_ simulator: ModelSimulator?, _ loop: EventLoop) throws(RetortError) -> HTTPTransport {
        try makeTransport(
            simulator?.baseURL ?? stage?.pipeline.simulatorURL ?? settings.baseURL, settings.headers, loop)
    }

    private func makeTransport(
        _ baseURL: String, _ headers: [(name: String, value: String)], _ loop: EventLoop
    ) throws(RetortError) -> HTTPTransport {
        let configuration = HTTPTransport.Configuration(
            baseURL: baseURL, headers: headers, userAgent: "retort/\(RetortVersion.text)",
            timeouts: settings.timeouts, responseBytesMax: settings.responseBytesMax, connectionsMax: connectionsMax,
            network: settings.network)
        return try HTTPTransport(configuration, on: loop)
    }

    /// One way to each of these servers.
    package func makeTransports(to servers: [Server], _ loop: EventLoop) throws(RetortError) -> [HTTPTransport] {
        var transports: [HTTPTransport] = []
        for server in servers { transports.append(try makeTransport(server.text.url, server.headers, loop)) }
        return transports
    }

    private func makeOtherTransports(_ loop: EventLoop) throws(RetortError) -> [HTTPTransport] {
        try makeTransports(to: Array(settings.servers.dropFirst()), loop)
    }

    /// The transports: the first server's and the others', each wrapped by `wrapped`.
    package func transports(
        _ first: HTTPTransport, _ wrapped: (any ModelTransport) -> any ModelTransport = { $0 }
    ) -> [any ModelTransport] {
        ways(first).map { transport in
            wrapped(settings.secrets.guarding(settings.streams ? StreamingTransport(base: transport) : transport))
        }
    }

    /// The way to each server, the first one's given.
    package func ways(_ first: HTTPTransport) -> [HTTPTransport] { [first] + otherServers }

    package func shutdown(_ first: HTTPTransport) async {
        for transport in ways(first) { await transport.shutdown() }
    }

    package var storeOptions: StoreOptions {
        var options = StoreOptions()
        options.files = files
        options.sync = settings.sync
        options.compressionLevel = settings.compressionLevel
        options.recount = RecordTallies.recounter()
        return options
    }

    package func openStore(_ job: JobDescription) throws(RetortError) -> RecordStore {
        let options = storeOptions
        guard let manifest = try RecordStore.manifest(of: settings.out) else {
            return try createStore(job, options)
        }
        try job.check(against: manifest.job, at: settings.out, onChange: settings.onChange)
        return try RecordStore.open(settings.out, options: options)
    }

    private func createStore(_ job: JobDescription, _ options: StoreOptions) throws(RetortError) -> RecordStore {
        try OutputPlace(settings.out).check(options.files)
        do throws(RetortError) {
            return try RecordStore.create(
                settings.out, job: job.values, failureClasses: RecordCodec.failureClasses,
                tallies: RecordTallies.names, samples: settings.samples, options: options)
        } catch {
            // No directory can be created there: the error is not about a missing input.
            var error = error
            if error.code == .inputMissing { error.code = .io }
            if error.remedy == nil { error.remedy = OutputPlace.remedy }
            throw error
        }
    }

    package func report(_ recovery: RecoveryReport) {
        guard !isQuiet, !recovery.isClean else { return }
        if recovery.recoveredRecords > 0 || recovery.tornBytes > 0 {
            messages.line(
                "the last run did not exit cleanly; recovered "
                    + "\(Human.plural(recovery.recoveredRecords, "record")) from its journal"
                    + (recovery.tornBytes > 0 ? ", dropped \(Human.bytes(recovery.tornBytes)) of a torn write" : ""))
        }
        if recovery.indexWasRebuilt { messages.line("index rebuilt") }
        for damage in recovery.damage {
            messages.line(
                messages.palette.red("damaged: ")
                    + "\(StoreAccess.place(damage)): \(damage.reason). `retort repair` sets it aside; items whose outcome "
                    + "it held are sent again.")
        }
    }

    package func report(_ indexTrouble: RetortError?) {
        guard let indexTrouble else { return }
        messages.line(
            messages.palette.yellow("warning: ")
                + "the index could not be written: \(indexTrouble). Every answer is safe; the next run makes up for it."
        )
    }

    private func drive(
        _ input: InputSet, _ store: RecordStore, _ transport: HTTPTransport, _ loop: EventLoop
    ) async throws(RetortError) -> RunResult {
        let library = try answerLibrary(of: store)
        defer { library?.stop() }
        let run = try OpenRun(self, input, store, loop, library: library)
        stage?.hasOpened(store, run.recorder)
        let spending = Spending(
            run.before, mark: store.mark, superseded: run.superseded ?? 0, notes: store.manifest.notes)
        let generator = try ResponseGenerator<ItemContext>(
            generatorConfiguration(store, run.before, spending, isOtherJob: false, memory: library),
            transports: transports(transport) { watched(gated(flexible($0, loop)), store) },
            clock: LoopClock(loop: loop), executor: loop, observer: run.reporter)
        watchSignals(generator, run.signals) { run.source.cancel() }
        let batches = settings.route == nil ? nil : try BatchKeys(underWayIn: settings.out, store)
        run.count()
        let verifier = try await verifier(offering: store, run.issued)
        run.start(batches: batches, verifier: verifier)
        let summary = await generator.run(source: run.source, sink: run.recorder, verifier: verifier)
        await verifier?.close()
        run.source.close()
        run.reporter.finish(summary.progress)
        await shutdown(transport)
        return try run.end(summary) { $0.goal = run.goal.map { AcceptedResult($0.count) } }
    }

    /// The run's verifier. From here on failed items of the store can be sent again.
    private func verifier(offering store: RecordStore, _ issued: IssuedKeys) async throws(RetortError) -> RunVerifier? {
        let verifier = try await runVerifier()
        live?.control.attach(Requeue(settings: settings, store: store, issued: issued, verifier: verifier))
        return verifier
    }

    /// The transport, with the flexible tier if there is time for it.
    private func flexible(_ transport: any ModelTransport, _ loop: EventLoop) -> any ModelTransport {
        settings.flexGate.map { FlexTransport(base: transport, gate: $0, clock: LoopClock(loop: loop)) } ?? transport
    }

    /// The transport, observed if the run has a page.
    package func watched(_ transport: any ModelTransport, _ store: RecordStore) -> any ModelTransport {
        guard let live, live.watchesExchanges else { return transport }
        live.watch.watchMark { store.mark }
        return WatchedTransport(base: transport, watch: live.watch.exchanges)
    }

    /// The generator's settings, completed from the store and the address.
    ///
    /// - Parameter isOtherJob: whether the requests differ from those that the store's answers came from.
    package func generatorConfiguration(
        _ store: RecordStore, _ counters: StoreCounters, _ spending: Spending, isOtherJob: Bool,
        memory: AnswerLibrary? = nil
    ) -> GeneratorConfiguration {
        var configuration = settings.pricing.budgeted(settings.generator, spending)
        configuration.memory = memory
        configuration.budget = stage?.sharing(configuration.budget) ?? configuration.budget
        configuration.shared = startSharing(store, spending)
        configuration.hasWorkedBefore = counters.done > 0 && !isOtherJob
        configuration.server =
            settings.simulator != nil
            ? "the built-in model server"
            : settings.servers.count > 1
                ? "all \(settings.servers.count) servers" : ServerNote.withoutSecrets(settings.baseURL)
        return configuration
    }

    /// The run's verifier; nil if its answers are not judged. Throws if it cannot work here.
    package func runVerifier() async throws(RetortError) -> RunVerifier? {
        guard let verifier = settings.verifier else { return nil }
        let made = try RunVerifier(
            verifier, secrets: settings.secrets,
            withheld: Secrets.variables(of: verifier.environment, in: settings.headers))
        try await made.check()
        return made
    }

    /// The spending at the end of a run. With a cap the cost of superseded answers was read at the start; otherwise it
    /// is read here, so that no start waits for it, and counts as zero if it cannot be read.
    package func spending(of store: RecordStore, superseded: Int?) -> Spending {
        Spending(
            store.counters, mark: store.mark, superseded: superseded ?? (try? costOfSuperseded()) ?? 0,
            notes: store.manifest.notes)
    }

    /// The cost of the answers in `superseded/`, in nanodollars.
    package func costOfSuperseded() throws(RetortError) -> Int {
        guard try !files.entries(of: settings.out + "/superseded").isEmpty else { return 0 }
        return try Spending.superseded(in: try StoreReader(settings.out, options: StoreAccess.options))
    }

    package func watchSignals(
        _ generator: ResponseGenerator<ItemContext>, _ signals: Locked<Int>, cancel: @escaping @Sendable () -> Void
    ) {
        let messages = messages
        let timeout = settings.drainTimeout
        live?.control.attach(
            generator, settings: settings,
            onConcurrency: { [stage, settings] in stage?.setConcurrency($0, settings) }, cancel: cancel)
        let isAlone = stage == nil
        let action: SignalWatcher.Action = { count in
            signals.withLock { $0 = count }
            cancel()
            switch count {
            case 1:
                if isAlone {
                    messages.line("interrupted: waiting for requests in flight; press Ctrl-C again to stop now")
                }
                generator.stop(.drain(deadline: .now + timeout))
            case 2: generator.stop(.now)
            // Even now nothing received is lost: the next run recovers it from the journal.
            default: _exit(ExitCode.interrupted.rawValue)
            }
        }
        if let stage { stage.pipeline.onSignal(action) } else { SignalWatcher.onSignal(action) }
    }
}
