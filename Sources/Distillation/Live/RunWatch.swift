package import Basics
package import Dataset
import Glibc
import JSONText
package import ModelAPI
package import ResponseGenerator
import RunMonitor
package import SegmentStore

/// The displayed state of a run in progress: written by the run, read by pages and scrapes. Any thread.
package final class RunWatch: Sendable {
    /// One line of the page's event table.
    package struct Event: Sendable, Hashable {
        package enum Kind: String, Sendable {
            case start
            /// Requests are paused or resumed.
            case hold
            /// A command to the run.
            case change
            /// The first failed item of a class.
            case failure
            case end
        }

        /// Seconds since 1970.
        package var time: Int
        package var kind: Kind
        package var text: String
    }

    package struct Answer: Sendable, Hashable {
        package var id: String
        package var text: String
        package var tokens: Int
        package var seconds: Double
    }

    package struct Failures: Sendable, Hashable {
        package var count = 0
        package var id = ""
        package var message = ""
    }

    package struct State: Sendable {
        package var record = RunRecord()
        package var usage = TokenUsage()
        package var rateLimited = 0
        package var costMax: Double?
        /// What may have been spent in addition to what records state.
        package var reserved: Double?
        package var mark: (@Sendable () -> Int64)?
        package var failures: [String: Failures] = [:]
        package var answers: [Answer] = []
        package var history = LiveHistory()
        package var events: [Event] = []
        /// Whether all stages of a pipeline have ended.
        package var stagesAreOver = false
        /// The time of the last displayed answer.
        package var keptAt = Instant(nanoseconds: 0)
        /// The counts of the last sample.
        package var sampled = (at: Instant(nanoseconds: 0), items: 0, tokens: 0, limited: 0)
    }

    package let exchanges: ExchangeWatch
    /// The stages of a pipeline, whose state is all it displays; empty for a run.
    package let stages: [Stage]
    package let title: String
    package let model: String
    package let server: String
    /// Whether the page waits for the next run when one has ended.
    package let follows: Bool
    /// Called with the outcomes that have been written to disk.
    private let onSettled: (@Sendable ([Outcome<ItemContext>]) -> Void)?
    /// Called for each event.
    private let onEvent: @Sendable (Event, RunRecord) -> Void
    private let state: Locked<State>
    private let isOver = Locked(false)

    /// Minimum interval between two updates.
    package static let updateInterval = Interval.milliseconds(250)
    package static let answersMax = 6
    package static let eventsMax = 100
    /// Maximum failure classes; it bounds memory against invalid names.
    private static let classesMax = 64
    /// Minimum interval between two displayed answers.
    private static let answerInterval = Interval.milliseconds(200)
    package static let sampleMicroseconds: UInt32 = 1_000_000

    package init(
        title: String, model: String, server: String, costMax: Double?, follows: Bool = false,
        exchanges: ExchangeWatch = ExchangeWatch(), stages: [Stage] = [],
        onSettled: (@Sendable ([Outcome<ItemContext>]) -> Void)? = nil,
        onEvent: @escaping @Sendable (Event, RunRecord) -> Void = { _, _ in }
    ) {
        self.onSettled = onSettled
        (self.title, self.model, self.server, self.follows) = (title, model, server, follows)
        (self.exchanges, self.stages) = (exchanges, stages)
        self.onEvent = onEvent
        var state = State()
        state.costMax = costMax
        state.sampled.at = .now
        self.state = Locked(state)
    }

    package convenience init(
        _ settings: RunSettings, exchanges: ExchangeWatch = ExchangeWatch(), stages: [Stage] = [],
        onSettled: (@Sendable ([Outcome<ItemContext>]) -> Void)? = nil,
        onEvent: @escaping @Sendable (Event, RunRecord) -> Void = { _, _ in }
    ) {
        self.init(
            title: settings.out, model: settings.parameters.model,
            server: settings.simulator == nil
                ? ServerNote.withoutSecrets(settings.baseURL) : "the built-in model server",
            costMax: settings.pricing.limit.map { Money.dollars($0) }, exchanges: exchanges, stages: stages,
            onSettled: onSettled, onEvent: onEvent)
    }

    /// Starts the thread that takes a sample each second.
    package func start() {
        WorkThread.start(givesWay: true) { [weak self] in
            while true {
                usleep(Self.sampleMicroseconds)
                guard let self, !self.isOver.withLock({ $0 }) else { return }
                self.sample(at: .now)
            }
        }
    }

    package var snapshot: State {
        var own = state.withLock { $0 }
        if !stages.isEmpty {
            own.add(stages.map { ($0.name, $0.watch.snapshot) }, isOver: own.stagesAreOver)
        }
        return own
    }

    // MARK: Updates from the run

    package func update(_ progress: Progress, _ record: RunRecord) {
        let before = state.withLock { state in
            defer { state.record = record }
            return state.record
        }
        noteHold(before, record)
        state.withLock { state in
            (state.record, state.usage, state.rateLimited) = (record, progress.usage, progress.rateLimited)
            if state.costMax != nil { state.reserved = state.mark.map { Money.dollars(Int(clamping: $0())) } }
        }
    }

    /// Reports once each when sending pauses and resumes. The texts contain a countdown after their first part.
    private func noteHold(_ before: RunRecord, _ record: RunRecord) {
        func reason(_ record: RunRecord) -> Substring {
            let text = record.paused.prefix { $0 != ";" }
            // The rate limit pauses requests for moments all the time.
            return text == "rate limit" ? "" : text
        }
        let (old, new) = (reason(before), reason(record))
        guard old != new else { return }
        note(.hold, new.isEmpty ? "sending again" : "nothing is sent: \(new)")
    }

    /// Displays a state read from outside the process.
    package func show(_ record: RunRecord, failures: [String: Failures], answers: [Answer], events: [Event]) {
        state.withLock { state in
            state.record = record
            state.usage = TokenUsage(prompt: record.promptTokens, completion: record.completionTokens)
            state.rateLimited = record.retries[FailureClass.rateLimited.rawValue] ?? 0
            (state.failures, state.events) = (failures, events)
            // Answers of a sealed block are no longer in the journal, but they are still the latest ones.
            if !answers.isEmpty { state.answers = answers }
        }
    }

    /// - Parameter mark: returns the store's mark, in nanodollars; called at each update.
    package func watchMark(_ mark: @escaping @Sendable () -> Int64) { state.withLock { $0.mark = mark } }

    package func end(_ record: RunRecord, _ progress: Progress) {
        update(progress, record)
        sample(at: .now)
        isOver.withLock { $0 = true }
        note(.end, record.ending)
    }

    package func changeCostMax(to dollars: Double?) { state.withLock { $0.costMax = dollars } }

    package func note(_ kind: Event.Kind, _ text: String) {
        let event = Event(
            time: Int(wallClockSeconds()), kind: kind,
            text: Excerpt.text(text, RunRecord.textScalarsMax))
        state.withLock { state in
            state.events.append(event)
            if state.events.count > Self.eventsMax { state.events.removeFirst() }
        }
        onEvent(event, snapshot.record)
    }

    /// Takes outcomes that are on disk.
    /// - Parameter hasFailures: whether to search for failures, which costs some reference counts per outcome.
    package func settled(_ batch: [Outcome<ItemContext>], hasFailures: Bool) {
        onSettled?(batch)
        var first: [String] = []
        state.withLock { state in
            for outcome in hasFailures ? batch : [] {
                guard case .failure(let failure) = outcome.result else { continue }
                if Self.note(failure, of: outcome, in: &state) {
                    first.append(
                        "first failed item of class \(failure.failureClass.rawValue): "
                            + "\(Self.name(of: outcome.context.key)): \(failure.message)")
                }
            }
            guard let outcome = batch.last, outcome.finishedAt - state.keptAt >= Self.answerInterval,
                case .answer(let answer) = outcome.result
            else { return }
            state.keptAt = outcome.finishedAt
            state.answers.insert(Self.shown(answer, of: outcome), at: 0)
            if state.answers.count > Self.answersMax { state.answers.removeLast() }
        }
        for text in first { note(.failure, text) }
    }

    /// True for the first failure of its class.
    private static func note(
        _ failure: ItemFailure, of outcome: Outcome<ItemContext>, in state: inout State
    ) -> Bool {
        let name = failure.failureClass.rawValue
        let isFirst = state.failures[name] == nil
        guard !isFirst || state.failures.count < classesMax else { return false }
        state.failures[name, default: Failures()].count += 1
        state.failures[name]?.id = Self.name(of: outcome.context.key)
        state.failures[name]?.message = RunRecord.cut(failure.message)
        return isFirst
    }

    private static func shown(_ answer: ModelAnswer, of outcome: Outcome<ItemContext>) -> Answer {
        Answer(
            id: Self.name(of: outcome.context.key), text: Excerpt.answer(answer.responseRaw),
            tokens: answer.usage.completion, seconds: outcome.latency.seconds)
    }

    package static func name(of key: RecordKey) -> String {
        let id = Excerpt.text(String(decoding: key.id, as: UTF8.self), Excerpt.askedScalarsMax)
        return key.sample == 0 ? id : "\(id) (sample \(key.sample))"
    }

    func setStagesOver(_ areOver: Bool) { state.withLock { $0.stagesAreOver = areOver } }

    /// The run is over. If it has not reported how, it ended with an error.
    package func abandon() {
        let isOpen = isOver.withLock { over in
            defer { over = true }
            return !over
        }
        guard isOpen else { return }
        if !stages.isEmpty {
            setStagesOver(true)
            sample(at: .now)
            let record = snapshot.record
            if record.hasBegun { note(.end, record.ending) }
            return
        }
        let hasBegun = state.withLock { state in
            guard state.record.pid > 0 || !state.events.isEmpty else { return false }
            (state.record.state, state.record.reason, state.record.inFlight) = (.stopped, "ended by an error", 0)
            return true
        }
        if hasBegun { note(.end, "stopped: ended by an error") }
    }

    // MARK: History

    package func sample(at now: Instant) {
        let recent = exchanges.takeRecent()
        func seconds(_ share: Double) -> Double? { recent.quantile(share).map { Double($0) / 1000 } }
        let seen = snapshot
        let record = seen.record
        let items = record.done + record.failed - record.earlier
        let tokens = seen.usage.completion
        state.withLock { state in
            let span = (now - state.sampled.at).seconds
            guard span > 0 else { return }
            func rate(_ count: Int, _ before: Int) -> Double { max(0, Double(count - before) / span) }
            state.history.add(
                LiveHistory.Sample(
                    items: rate(items, state.sampled.items), tokens: rate(tokens, state.sampled.tokens),
                    limited: rate(seen.rateLimited, state.sampled.limited),
                    inFlight: Double(record.inFlight), limit: Double(record.concurrency),
                    p50: seconds(0.5), p95: seconds(0.95), p99: seconds(0.99)))
            state.sampled = (now, items, tokens, seen.rateLimited)
        }
    }
}
