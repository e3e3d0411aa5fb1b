import Basics
import CommandLine
import HTTPTransport
import ModelSimulator
import PromptSource
import ResponseGenerator
import SegmentStore

/// One run from opening the store to closing it: wires source, generator, transport and store together.
struct RunSession {
    let settings: RunSettings
    let messages: MessageStream
    let isQuiet: Bool

    /// How a run ended, for the summary and the exit status.
    struct Result: Sendable {
        var summary: RunSummary
        var counters: StoreCounters
        var resumedDone: UInt64
        var resumedFailed: UInt64
        var itemsTotal: Int?
        var recovery: RecoveryReport
        var simulatorCounts: SimulatorCounts?
        var wasInterrupted: Bool
    }

    func run() async throws(RetortError) -> Result {
        let input = try InputSet.resolve(settings.inputs, format: settings.format)
        let job = JobDescription(settings)
        let simulator = try startSimulator()
        defer { simulator?.stop() }
        let loop = try EventLoop()
        let transport = try makeTransport(simulator, loop)
        try loop.start()
        defer { loop.stop() }
        let store = try openStore(job)
        report(store.recovery)
        do throws(RetortError) {
            var result = try await drive(input, store, transport, loop)
            result.simulatorCounts = simulator?.counts
            try store.close()
            result.counters = store.counters
            return result
        } catch {
            // The first error says why; closing may have nothing to add.
            try? store.close()
            throw error
        }
    }

    private func startSimulator() throws(RetortError) -> ModelSimulator? {
        guard let configuration = settings.simulator else { return nil }
        let simulator = try ModelSimulator(configuration)
        try simulator.start()
        return simulator
    }

    private func makeTransport(_ simulator: ModelSimulator?, _ loop: EventLoop) throws(RetortError) -> HTTPTransport {
        _ = DescriptorLimit.raise()
        let configuration = HTTPTransport.Configuration(
            baseURL: simulator?.baseURL ?? settings.baseURL, headers: settings.headers,
            userAgent: "retort/\(RetortProgram.version)", timeouts: settings.timeouts,
            responseBytesMax: settings.responseBytesMax, network: settings.network)
        return try HTTPTransport(configuration, on: loop)
    }

    private func openStore(_ job: JobDescription) throws(RetortError) -> RecordStore {
        var options = StoreOptions()
        options.sync = settings.sync
        options.compressionLevel = settings.compressionLevel
        options.recount = RecordTallies.recounter()
        guard let manifest = try RecordStore.manifest(of: settings.out) else {
            return try RecordStore.create(
                settings.out, job: job.values, failureClasses: RecordCodec.failureClasses,
                tallies: RecordTallies.names, samples: settings.samples, options: options)
        }
        try job.check(against: manifest.job, at: settings.out)
        return try RecordStore.open(settings.out, options: options)
    }

    private func report(_ recovery: RecoveryReport) {
        guard !isQuiet, !recovery.isClean else { return }
        if recovery.recoveredRecords > 0 || recovery.tornBytes > 0 {
            messages.line(
                "the last run was cut short: \(recovery.recoveredRecords) received records put in order, "
                    + "\(recovery.tornBytes) bytes of a torn write cut off")
        }
        if recovery.indexWasRebuilt { messages.line("the index was made anew") }
        for damage in recovery.damage {
            messages.line(
                messages.palette.red("damaged: ")
                    + "\(damage.lane.directoryName) segment \(damage.segment), bytes \(damage.range): "
                    + "\(damage.reason). `retort repair` sets it aside; its items are asked again.")
        }
    }

    private func drive(
        _ input: InputSet, _ store: RecordStore, _ transport: HTTPTransport, _ loop: EventLoop
    ) async throws(RetortError) -> Result {
        let identity = input.identityHash
        let isKnownInput =
            store.counters.done + store.counters.failed == 0 || store.inputProgress.identity == identity
        try store.beginInput(identity: identity, files: settings.inputs)
        let codec = RecordCodec(keepsBody: settings.keepsBody)
        let issued = IssuedKeys()
        let recorder = Recorder(store, codec: codec, issued: issued)
        if !isKnownInput { try refuseChangedRows(input, store) }
        let before = store.counters
        let source = PlannedSource()
        let reporter = RunReporter(
            messages, store: store, source: source, resumedDone: before.done, samples: settings.samples,
            isQuiet: isQuiet)
        let generator = try ResponseGenerator<ItemContext>(
            settings.generator, transport: transport, clock: LoopClock(loop: loop), executor: loop, observer: reporter)
        let signals = Locked(0)
        watchSignals(generator, source, signals)
        reporter.count(input, known: store.manifest.input?.rows)
        let settings = settings
        source.start(
            input: input, from: isKnownInput ? Landmark(store.inputProgress.landmark) : .start, store: store,
            recorder: recorder,
            planner: {
                RowPlanner(
                    settings, input: input, store: store, issued: issued, codec: codec, isKnownInput: isKnownInput)
            },
            onBadRow: { reporter.badRow($0) })
        let summary = await generator.run(source: source, sink: recorder)
        source.cancel()
        reporter.stopCounting()
        reporter.finish(summary.progress)
        await transport.shutdown()
        return Result(
            summary: summary, counters: store.counters, resumedDone: before.done, resumedFailed: before.failed,
            itemsTotal: reporter.total, recovery: store.recovery, simulatorCounts: nil,
            wasInterrupted: signals.withLock { $0 } > 0)
    }

    /// Another input under the same job: each row is looked up first, and nothing is asked if known ids have changed.
    private func refuseChangedRows(_ input: InputSet, _ store: RecordStore) throws(RetortError) {
        guard input.files.allSatisfy({ $0.kind == .regular }) else { return }
        let planner = RowPlanner(
            settings, input: input, store: store, issued: IssuedKeys(), codec: RecordCodec(keepsBody: false),
            isKnownInput: false)
        let rows = RowReader(input)
        do throws(RetortError) {
            while let row = try rows.next() { _ = try planner.plan(row) }
        } catch {
            // The run itself meets the same end of the input, and reports it when the rows before it are done.
            if error.code != .badInput { throw error }
        }
        guard planner.changedItems > 0, !settings.keepsChanged else { return }
        throw RetortError(
            .configuration, "\(planner.changedItems) items have changed under the same id", at: settings.out,
            cause: "their prompt or template differs from the one that was answered",
            remedy: "Give --on-change keep to keep the old answers, or --out another directory to ask anew.")
    }

    private func watchSignals(
        _ generator: ResponseGenerator<ItemContext>, _ source: PlannedSource, _ signals: Locked<Int>
    ) {
        let messages = messages
        let timeout = settings.drainTimeout
        SignalWatcher.onSignal { count in
            signals.withLock { $0 = count }
            source.cancel()
            if count == 1 {
                messages.line("interrupted: no new requests; waiting for those in flight (again to stop at once)")
                generator.stop(.drain(deadline: .now + timeout))
            } else {
                generator.stop(.now)
            }
        }
    }
}

extension InputSet {
    /// The identity in the form the store keeps; a new one each time for inputs that cannot be read again.
    var identityHash: Hash128 {
        let identity = identity
        guard identity.isUnchanged(since: identity) else {
            return Hash128(high: .random(in: 1...UInt64.max), low: .random(in: 0...UInt64.max))
        }
        var bytes: [UInt8] = []
        for file in identity.files {
            let text = "\(file.path)\n\(file.format)\n\(file.size)\n\(file.modified)\n"
            bytes.append(contentsOf: text.utf8)
            bytes.append(contentsOf: Hexadecimal.string(file.edges.high).utf8)
            bytes.append(contentsOf: Hexadecimal.string(file.edges.low).utf8)
        }
        return bytes.withUnsafeBytes { ContentHash.hash128($0) }
    }
}
