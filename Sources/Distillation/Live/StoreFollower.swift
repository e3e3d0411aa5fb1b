package import Basics
package import Dataset
import Glibc
import JSONText
import ModelAPI
package import RunMonitor
import SegmentStore

/// The displayed state of a store that another process may be writing: its run's record, the store's counts, and the
/// newest lines of its journals; for a pipeline, those of its stages. Commands go to the run's socket.
package final class StoreFollower: MonitorSource {
    private struct Look: Sendable {
        var polls = 0
        var record = RunRecord()
        var failures: [String: RunWatch.Failures] = [:]
        /// Ids of the answers found by the last update.
        var seen: Set<String> = []
    }

    private let root: String
    private let watch: RunWatch
    /// The stages of a pipeline, whether they have begun or not.
    private let stages: [StoreFollower]
    private let look = Locked(Look())
    private let isOver = Locked(false)

    /// One year: a longer duration in a journal line is ignored.
    private static let millisecondsMax = 366 * 86_400_000
    private static let pollMicroseconds: UInt32 = 1_000_000
    /// One update of this many opens the store, which costs more than reading the run's record.
    private static let pollsPerOpening = 5

    /// Throws if there is neither a store nor a pipeline.
    package convenience init(_ root: String) throws(RetortError) {
        if let layout = try PipelineLayout.load(root) {
            self.init(layout)
            poll()
            return
        }
        let reader = try StoreReader(root, options: StoreAccess.options)
        self.init(
            root,
            RunWatch(
                title: root, model: reader.manifest.job["model"] ?? "",
                server: ServerNote.url(in: reader.manifest) ?? "", costMax: nil, follows: true))
        poll()
    }

    private convenience init(_ layout: PipelineLayout) {
        let exchanges = ExchangeWatch()
        func watch(_ title: String, _ stages: [RunWatch.Stage] = []) -> RunWatch {
            RunWatch(
                title: title, model: "", server: "", costMax: nil, follows: true, exchanges: exchanges, stages: stages)
        }
        let stages = layout.stages.map { StoreFollower(layout.path(of: $0.name), watch($0.name)) }
        let seen = zip(layout.stages, stages).map { RunWatch.Stage(name: $0.name, from: $0.from, watch: $1.watch) }
        self.init(layout.root, watch(layout.root, seen), stages: stages)
    }

    private init(_ root: String, _ watch: RunWatch, stages: [StoreFollower] = []) {
        (self.root, self.watch, self.stages) = (root, watch, stages)
    }

    /// Updates once per second until `stop`, on a thread of its own.
    package func start() {
        watch.start()
        WorkThread.start(givesWay: true) { [weak self] in
            while let self, !self.isOver.withLock({ $0 }) {
                usleep(Self.pollMicroseconds)
                self.poll()
            }
        }
    }

    package func stop() { isOver.withLock { $0 = true } }

    package var snapshot: RunWatch.State { watch.snapshot }
    package var durations: LogHistogram { watch.exchanges.counts.durations }

    package func pageState() -> [UInt8] { watch.pageState() }
    package func metrics() -> Exposition { watch.metrics() }

    package var control: (@Sendable ([UInt8]) -> ControlReply)? {
        { [root] command in
            do throws(RetortError) {
                let stage = try? JSONParser().parse(command).root["stage"]?.string
                let reply = try ControlRoute.send(try ControlCommand(json: command), to: root, stage: stage)
                return ControlReply(isDone: (try? JSONParser().parse(reply).root["done"]?.bool) ?? false, json: reply)
            } catch {
                return RunControl.reply(false, error.description)
            }
        }
    }

    private func poll() {
        guard stages.isEmpty else {
            for stage in stages { stage.poll() }
            return watch.showStages()
        }
        look.withLock { look in
            if let record = RunRecordFile(in: root).read() { look.record = record }
            if look.polls % Self.pollsPerOpening == 0 { open(&look) }
            look.polls += 1
            let tail = JournalTail(of: root, "responses").lines
            let answers = readAnswers(tail, &look)
            for line in JournalTail(of: root, "failures").lines { Self.note(line, in: &look) }
            let events = ChangeLog(in: root).read().suffix(RunWatch.eventsMax).map { change in
                RunWatch.Event(time: change.time, kind: .change, text: change.text)
            }
            watch.show(look.record, failures: look.failures, answers: answers, events: Array(events))
        }
    }

    /// Reads what only the store knows: whether its writer is alive, its counts, its failures by class.
    private func open(_ look: inout Look) {
        guard let reader = try? StoreReader(root, options: StoreAccess.options) else { return }
        let isWritten = ((try? reader.writer()) ?? nil) != nil
        if !isWritten, look.record.state == .running {
            // A store without a run was merged, copied, or written by a process that was killed.
            let wasKilled = look.record.pid > 0
            look.record.state = wasKilled ? .stopped : .ended
            look.record.reason = wasKilled ? "its process is gone; run the same command again to continue" : ""
            look.record.inFlight = 0
            (look.record.done, look.record.failed) = (
                Int(clamping: reader.counters.done), Int(clamping: reader.counters.failed)
            )
            look.record.total = reader.items
            look.record.pending = reader.pending
        }
        look.record.cost = look.record.cost ?? (try? Spending(of: reader))?.dollars
        for (index, count) in reader.counters.failedByClass.enumerated() where count > 0 {
            let name = reader.failureClasses.name(UInt8(clamping: index))
            look.failures[name, default: RunWatch.Failures()].count = Int(clamping: count)
        }
    }

    private func readAnswers(_ lines: [[UInt8]], _ look: inout Look) -> [RunWatch.Answer] {
        let parser = JSONParser()
        var answers: [RunWatch.Answer] = []
        for line in lines.reversed() {
            guard let root = try? parser.parse(line).root else { continue }
            let view = RecordView(root)
            let milliseconds = min(max(0, view.integer(.latency)), Self.millisecondsMax)
            answers.append(
                RunWatch.Answer(
                    id: Excerpt.text(view.text(.id), Excerpt.askedScalarsMax),
                    text: Excerpt.answer(view.token(.response)), tokens: max(0, view.usage(.completion)),
                    seconds: Double(milliseconds) / 1000))
        }
        let fresh = answers.filter { !look.seen.contains($0.id) }
        for answer in fresh { watch.exchanges.note(milliseconds: Int(answer.seconds * 1000)) }
        look.seen = Set(answers.map(\.id))
        return Array(answers.prefix(RunWatch.answersMax))
    }

    private static func note(_ line: [UInt8], in look: inout Look) {
        guard let root = try? JSONParser().parse(line).root else { return }
        let view = RecordView(root)
        let name = view.text(.failureClass)
        // Only classes that the store counts.
        guard look.failures[name] != nil else { return }
        look.failures[name]?.id = Excerpt.text(view.text(.id), Excerpt.askedScalarsMax)
        look.failures[name]?.message = RunRecord.cut(view.text(.error))
    }
}
