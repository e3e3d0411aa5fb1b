import Basics
import ResponseGenerator
import SegmentStore
import TestSupport

@testable import Dataset
@testable import Distillation
@testable import Reporting
@testable import RetortCommands
@testable import Serving

/// A machine, a server and a job, over as many processes as it takes. Everything follows from the seed.
struct WholeWorld {
    private let plan: WholePlan
    private let files: SimulatedFileSystem
    private let books = Locked(WholeBooks())
    private var random: SeededGenerator
    private var cap: Int
    private let settings: RunSettings
    private let sabotage: WholeSabotage?

    /// The result.
    struct Report: Sendable {
        var lives = 0
        var deaths = 0
        var requests = 0
        var faults: [String] = []
        var trace: UInt64 = 0
    }

    private var report = Report()

    /// Maximum processes without faults in which a job must be completed.
    private static let calmLivesMax = 4

    init(seed: UInt64, sabotage: WholeSabotage? = nil) throws {
        self.sabotage = sabotage
        plan = WholePlan(seed: seed)
        files = SimulatedFileSystem(seed: seed)
        random = SeededGenerator(seed: seed &+ 1)
        cap = plan.worst / 10 * (1 + random.below(60))
        settings = try plan.settings()
    }

    /// Runs processes until every item has its outcome, then one more.
    mutating func run() -> Report {
        var isOver = false
        for life in 0..<plan.stormyLives + Self.calmLivesMax {
            isOver = live(life, isCalm: life >= plan.stormyLives)
            if isOver || books.withLock({ !$0.faults.isEmpty }) { break }
        }
        if !isOver { books.withLock { $0.fault("the job does not come to its end") } }
        let sent = books.withLock { $0.requests.count }
        if isOver {
            _ = live(report.lives, isCalm: true)
            let again = books.withLock { $0.requests.count } - sent
            if again > 0 { books.withLock { $0.fault("a run with nothing to do sends \(again) requests") } }
        }
        report.requests = sent
        report.faults = books.withLock { $0.faults }
        report.trace = books.withLock { $0.trace } ^ UInt64(files.calls)
        return report
    }

    /// Runs one process. True when every item has its outcome.
    private mutating func live(_ number: Int, isCalm: Bool) -> Bool {
        report.lives += 1
        if isCalm { cap = 1_000_000_000_000 } else if random.below(3) == 0 { cap *= 2 }
        var settings = settings
        settings.pricing.share(cap)
        let limit = plan.hasCap ? cap : nil
        books.withLock { books in
            (books.life, books.passes, books.cap) = (number, [:], limit)
        }
        let time = SimulatedTime(seed: random.next(), shuffle: plan.shuffle)
        let life = WholeLife(
            plan: plan, settings: settings, files: files, time: time, books: books, number: number, isCalm: isCalm,
            fate: isCalm ? WholeLife.Fate() : fate(), seed: random.next(), sabotage: sabotage)
        if !isCalm, random.below(2) == 0 { files.die(duringCall: files.calls + 1 + random.below(90)) }
        guard let end = time.run({ await life.run() }) else {
            books.withLock { $0.fault("the run does not end") }
            return false
        }
        files.clearFaults()
        files.die(duringCall: nil)
        switch end {
        case .died:
            report.deaths += 1
            let power = plan.cutsPower && random.below(2) == 0
            power ? files.cutPower() : files.kill()
            _ = audit(died: true, lostPower: power)
            return false
        case .failed(let error):
            if isCalm || error.code != .noSpace { books.withLock { $0.fault("\(error)") } }
            files.kill()
            _ = audit(died: true, lostPower: false)
            return false
        case .ended(let result):
            return conclude(result, isCalm: isCalm)
        }
    }

    private mutating func fate() -> WholeLife.Fate {
        var fate = WholeLife.Fate()
        let moment = Interval.milliseconds(Int64(random.below(random.below(4) == 0 ? 30_000 : 2000)))
        switch random.below(6) {
        case 0, 1: fate.diesAt = moment
        case 2:
            fate.stopsAt = moment
            fate.stopsAtOnce = random.below(2) == 0
        case 3, 4:
            fate.full = (
                moment, moment + .milliseconds(Int64(random.below(20_000))),
                random.below(2) == 0 ? 0 : random.below(4000)
            )
        default: break
        }
        return fate
    }

    /// Compares what the user is told with what is on disk.
    private mutating func conclude(_ result: RunResult, isCalm: Bool) -> Bool {
        let summary = result.summary
        let audit = audit(died: summary.unsaved > 0, lostPower: false)
        let pending = audit?.pending ?? -1
        let conclusion = RunConclusion(result, settings: settings, commandLine: "retort run")
        books.withLock { books in
            if let error = summary.error, isCalm { books.fault("a calm run fails: \(error)") }
            if !result.damage.isEmpty { books.fault("finds damage: \(result.damage[0])") }
            if let told = result.standing.pending, told != pending {
                books.fault("tells of \(told) pending items, not \(pending)")
            }
            if summary.unsaved == 0, books.passes != summary.progress.passedInRound {
                books.fault("tells of passes \(summary.progress.passedInRound), not \(books.passes)")
            }
            let isDone = summary.ending == .completed && pending == 0 && audit?.failures == 0
            if isDone != (conclusion.headline == "Finished: every item has its answer.") {
                books.fault("says '\(conclusion.headline)' with \(pending) items pending")
            }
        }
        return summary.ending == .completed && pending == 0
    }

    /// Opens a copy of the machine's disk as the next process would, and inspects all of it.
    private func audit(died: Bool, lostPower: Bool) -> WholeAudit? {
        let copy = files.fork(seed: 1)
        let books = books.withLock { $0 }
        do {
            guard try RecordStore.manifest(of: settings.out, files: copy) != nil else {
                if books.requests.contains(where: { lostPower ? $0.isDurable : $0.isTaken }) {
                    self.books.withLock { $0.fault("the store is gone") }
                }
                if lostPower { self.books.withLock { $0.losePower() } }
                return nil
            }
            let options = WholeLife.options(plan, copy)
            let store = try RecordStore.open(settings.out, options: options)
            if let damage = store.recovery.damage.first { throw RetortError(.damagedData, "\(damage)") }
            let reader = try StoreReader(settings.out, options: options)
            if reader.counters != store.counters { throw RetortError(.damagedData, "a reader counts differently") }
            var audit = WholeAudit(plan, books, died: died, lostPower: lostPower)
            let found = try audit.run(reader)
            self.books.withLock { $0 = found }
            return audit
        } catch {
            self.books.withLock { $0.fault("the store cannot be opened: \(error)") }
            return nil
        }
    }
}
