import Basics
import ModelAPI
import PromptSource
import TestSupport

@testable import Dataset
@testable import Distillation
@testable import Reporting
@testable import ResponseGenerator
@testable import RetortCommands
@testable import SegmentStore
@testable import Serving

/// One process, from opening the store to closing it, composed as in `retort run`: settings, planner, source,
/// generator, recorder, verifier and store are real; the clock, the disk, the server and the verifier's opinion are
/// simulated.
struct WholeLife: Sendable {
    let plan: WholePlan
    let settings: RunSettings
    let files: SimulatedFileSystem
    let time: SimulatedTime
    let books: Locked<WholeBooks>
    let number: Int
    let isCalm: Bool
    /// The faults of this process.
    let fate: Fate
    let seed: UInt64
    var sabotage: WholeSabotage?

    /// The faults of a process other than its server's.
    struct Fate: Sendable {
        /// The machine crashes at its first call to the disk from this time.
        var diesAt: Interval?
        var stopsAt: Interval?
        var stopsAtOnce = false
        /// The disk has only this much space, within this period.
        var full: (from: Interval, until: Interval, bytes: Int)?
    }

    /// How a process ended.
    enum End: Sendable {
        /// The machine has crashed.
        case died
        /// Opening or closing has failed, with an error shown to the user.
        case failed(RetortError)
        case ended(RunResult)
    }

    /// The store's options: small limits, so that much happens in few calls, and no thread.
    static func options(_ plan: WholePlan, _ files: SimulatedFileSystem) -> StoreOptions {
        var random = SeededGenerator(seed: plan.seed &+ 77)
        var options = StoreOptions()
        options.files = files
        options.usesThread = false
        options.compressionLevel = 1
        options.blockRawBytes = 600 + random.below(6000)
        options.segmentBytes = 2000 + random.below(20_000)
        options.recount = RecordTallies.recounter()
        options.tuning = StoreTuning(
            journalBytes: 800 + random.below(8000), deltaEntriesMax: 3 + random.below(40), runRatio: 3,
            runUnsyncedEntriesMax: 8)
        return options
    }

    func run() async -> End {
        do throws(RetortError) {
            let store = try open()
            let result: RunResult
            do throws(RetortError) { result = try await drive(store) } catch {
                try? store.close()
                throw error
            }
            try store.close()
            if files.isDead { return .died }
            books.withLock { $0.synced() }
            return .ended(result)
        } catch {
            return files.isDead ? .died : .failed(error)
        }
    }

    private func open() throws(RetortError) -> RecordStore {
        let options = Self.options(plan, files)
        let job = JobDescription(settings)
        guard let manifest = try RecordStore.manifest(of: settings.out, files: files) else {
            var manifest = StoreManifest(
                storeID: plan.seed | 1 << 63, job: job.values, failureClasses: RecordCodec.failureClasses,
                tallies: RecordTallies.names, samples: settings.samples)
            manifest.features = [BlockChecks.feature]
            return try RecordStore.create(settings.out, manifest: manifest, options: options)
        }
        try job.check(against: manifest.job, at: settings.out, onChange: settings.onChange)
        return try RecordStore.open(settings.out, options: options)
    }

    private func drive(_ store: RecordStore) async throws(RetortError) -> RunResult {
        if let damage = store.recovery.damage.first { books.withLock { $0.fault("takes a death for rot: \(damage)") } }
        if let check = settings.check { try check.note(in: store) }
        if let verifier = settings.verifier { try verifier.note(in: store) }
        let before = store.counters
        let input = try RunInput.resolve(settings)
        let standing = try InputStanding.begin(input, store, samples: settings.samples)
        let time = time
        let codec = RecordCodec(
            prices: settings.pricing.version, keepsBody: settings.keepsBody,
            costs: try CostColumn(of: store.root, options: StoreAccess.options(reading: store)), now: { time.seconds })
        let issued = IssuedKeys()
        let recorder = Recorder(store, codec: codec, issued: issued)
        let source = PlannedSource(held: before.done + before.failed)
        let verifier = settings.verifier.map { verifier in
            RunVerifier(
                verifier,
                WholeVerifier(
                    time: time, isCalm: isCalm, random: Locked(SeededGenerator(seed: seed &+ 3))), now: { time.now })
        }
        let generator = try generator(store, before)
        let settings = settings
        source.start(
            input: input, from: standing.start(of: input, store, settings.rows), settings.rows, store: store,
            recorder: recorder,
            planner: { () throws(RetortError) in
                RowPlanner(
                    settings, input: input, store: store, issued: issued, codec: codec, standing: standing,
                    isCompared: true,
                    prior: try PriorRounds(of: store, settings.generator.classifier, verifier: verifier))
            }, onBadRow: { _ in }, starting: { $0() })
        let witness = WholeWitness(recorder, books, files, sabotage)
        let summary = await meanwhile(generator, store) {
            await generator.run(source: source, sink: witness, verifier: verifier)
        }
        await verifier?.close()
        source.close()
        return try conclude(summary, source, store, input, standing, before)
    }

    private func generator(
        _ store: RecordStore, _ before: StoreCounters
    ) throws(RetortError) -> ResponseGenerator<ItemContext> {
        let spending = Spending(before, mark: store.mark, superseded: 0, notes: store.manifest.notes)
        var configuration = settings.pricing.budgeted(settings.generator, spending)
        if !plan.hasCap { configuration.budget = nil }
        configuration.hasWorkedBefore = before.done > 0
        configuration.server = "the scripted server"
        configuration.seed = seed
        configuration.concurrency = plan.concurrency
        if plan.isHedged {
            configuration.hedging = HedgeSettings(quantile: 0.5, budgetShare: 0.8)
            configuration.hedging?.knownMin = 2
        }
        let server = WholeServer(plan, time, files, books, life: number, isCalm: isCalm, seed: seed &+ 1)
        return try ResponseGenerator<ItemContext>(configuration, transport: server, clock: time, executor: time)
    }

    /// What else happens during a run: the store's group commits, crashes, full disks, interrupts.
    private func meanwhile(
        _ generator: ResponseGenerator<ItemContext>, _ store: RecordStore,
        _ run: @escaping @Sendable () async -> RunSummary
    ) async -> RunSummary {
        await withTaskGroup(of: RunSummary?.self) { group in
            let (files, time, books, fate) = (files, time, books, fate)
            group.addTask { await run() }
            group.addTask {
                while !Task.isCancelled {
                    await time.sleep(.seconds(1))
                    if Task.isCancelled || files.isDead { return nil }
                    guard (try? store.sync()) != nil else { continue }
                    books.withLock { $0.synced() }
                }
                return nil
            }
            if let moment = fate.diesAt {
                group.addTask {
                    await time.sleep(moment)
                    if !Task.isCancelled { files.die(duringCall: files.calls + 1) }
                    return nil
                }
            }
            if let moment = fate.stopsAt {
                group.addTask {
                    await time.sleep(moment)
                    if !Task.isCancelled {
                        generator.stop(fate.stopsAtOnce ? .now : .drain(deadline: time.now + .seconds(3)))
                    }
                    return nil
                }
            }
            if let full = fate.full {
                group.addTask {
                    await time.sleep(full.from)
                    if Task.isCancelled { return nil }
                    files.limitSpace(toFurther: full.bytes)
                    await time.sleep(full.until - full.from)
                    files.clearFaults()
                    return nil
                }
            }
            var summary: RunSummary?
            while summary == nil, let next = await group.next() { summary = next }
            group.cancelAll()
            return summary!
        }
    }

    /// What `RunSession` does after the generator.
    private func conclude(
        _ summary: RunSummary, _ source: PlannedSource, _ store: RecordStore, _ input: InputSet,
        _ standing: InputStanding,
        _ before: StoreCounters
    ) throws(RetortError) -> RunResult {
        let reading = source.reading
        let reached = RunStanding(
            summary.progress, reading, store.counters, before: before, input: standing,
            rows: reading.isComplete ? reading.rows : input.rowCount, samples: settings.samples,
            storedSamples: store.manifest.samples)
        if reached.pending == 0, reached.failed == 0, summary.ending == .completed {
            try standing.settle(input, rows: reading.rows, store)
        }
        let spending = Spending(store.counters, mark: store.mark, superseded: 0, notes: store.manifest.notes)
        return RunResult(
            summary: summary, standing: reached, counters: store.counters, spending: spending, simulatorCounts: nil,
            wasInterrupted: false, damage: store.knownDamage())
    }
}
