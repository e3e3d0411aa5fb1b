import Basics
package import Dataset
import ModelAPI

/// A pipeline's display: the sums of its stages.
extension RunWatch {
    package struct Stage: Sendable {
        package let name: String
        /// The stage that it reads from.
        package let from: String?
        package let watch: RunWatch

        package init(name: String, from: String?, watch: RunWatch) {
            (self.name, self.from, self.watch) = (name, from, watch)
        }
    }
}

extension RunWatch {
    /// For a pipeline displayed by another process: derives from its stages whether it is still running.
    package func showStages() {
        let records = stages.map(\.watch.snapshot.record)
        let isGoing = records.contains { $0.hasBegun && $0.state == .running }
        setStagesOver(!isGoing && records.contains(where: \.hasBegun))
    }
}

extension RunWatch.State {
    /// Adds the states of the stages. The pipeline's own events, history and cap are kept.
    package mutating func add(_ stages: [(name: String, state: RunWatch.State)], isOver: Bool) {
        record = RunRecord(stages: stages.map { ($0.name, $0.state.record) }, isOver: isOver)
        for (name, stage) in stages {
            usage.prompt = usage.prompt.addingSaturated(stage.usage.prompt)
            usage.completion = usage.completion.addingSaturated(stage.usage.completion)
            rateLimited = rateLimited.addingSaturated(stage.rateLimited)
            if let more = stage.reserved { reserved = (reserved ?? 0) + more }
            for (className, failures) in stage.failures {
                self.failures[className, default: RunWatch.Failures()].add(failures, of: name)
            }
            events += stage.events.map { event in
                var event = event
                event.text = "\(name): \(event.text)"
                return event
            }
        }
        // A stable sort: events of the same second keep their order.
        events = Array(events.sorted { $0.time < $1.time }.suffix(RunWatch.eventsMax))
        answers = Self.newest(stages)
    }

    /// The newest answers of each stage, taking turns, last stage first.
    private static func newest(_ stages: [(name: String, state: RunWatch.State)]) -> [RunWatch.Answer] {
        var answers: [RunWatch.Answer] = []
        for place in 0..<RunWatch.answersMax {
            for (name, stage) in stages.reversed() where place < stage.answers.count {
                var answer = stage.answers[place]
                answer.id = "\(name): \(answer.id)"
                answers.append(answer)
            }
        }
        return Array(answers.prefix(RunWatch.answersMax))
    }
}

extension RunWatch.Failures {
    /// The example comes from the latest stage that has one.
    fileprivate mutating func add(_ other: RunWatch.Failures, of stage: String) {
        count = count.addingSaturated(other.count)
        if !other.id.isEmpty { (id, message) = ("\(stage): \(other.id)", other.message) }
    }
}

extension RunRecord {
    /// The combined record of several stages. A value that is unknown for one stage is unknown for the pipeline.
    package init(stages: [(name: String, record: RunRecord)], isOver: Bool) {
        self.init()
        let begun = stages.filter { $0.record.hasBegun }
        let running = begun.filter { $0.record.state == .running }.map(\.record)
        func sum(_ value: (RunRecord) -> Int) -> Int {
            begun.reduce(0) { $0.addingSaturated(value($1.record)) }
        }
        func sumIfKnown(_ value: (RunRecord) -> Int?) -> Int? {
            let known = begun.compactMap { value($0.record) }
            return known.count == stages.count ? known.reduce(0) { $0.addingSaturated($1) } : nil
        }
        pid = begun.map(\.record.pid).max() ?? 0
        started = begun.map(\.record.started).min() ?? 0
        updated = begun.map(\.record.updated).max() ?? 0
        (total, pending) = (sumIfKnown(\.total), sumIfKnown(\.pending))
        (done, failed, earlier) = (sum(\.done), sum(\.failed), sum(\.earlier))
        (inFlight, waiting, requests) = (sum(\.inFlight), sum(\.waiting), sum(\.requests))
        (promptTokens, completionTokens) = (sum(\.promptTokens), sum(\.completionTokens))
        (concurrency, concurrencyMax) = (sum(\.concurrency), sum(\.concurrencyMax))
        for (_, record) in begun { retries.merge(record.retries) { $0.addingSaturated($1) } }
        let costs = begun.compactMap(\.record.cost)
        cost = costs.isEmpty ? nil : costs.reduce(0, +)
        elapsedSeconds = begun.map(\.record.elapsedSeconds).max() ?? 0
        itemsPerSecond = running.reduce(0) { $0 + $1.itemsPerSecond }
        let left = running.compactMap(\.remainingSeconds)
        remainingSeconds = pending != nil && left.count == running.count ? left.max() : nil
        // The pipeline is paused only if all stages are.
        if !running.isEmpty, running.allSatisfy({ !$0.paused.isEmpty }) { paused = running[0].paused }
        lastError = begun.first { !$0.record.lastError.isEmpty }.map { "\($0.name): \($0.record.lastError)" } ?? ""
        guard isOver else { return }
        let unfinished = stages.first { $0.record.state != .ended }
        state = unfinished == nil ? .ended : .stopped
        if let unfinished {
            let silent = unfinished.record.hasBegun ? "ended early" : "not begun"
            reason = "\(unfinished.name): \(unfinished.record.reason.isEmpty ? silent : unfinished.record.reason)"
        }
    }

    /// False for a stage that waits for another one.
    package var hasBegun: Bool { pid > 0 }

    /// How the run ended, as text.
    package var ending: String { reason.isEmpty ? state.rawValue : "\(state.rawValue): \(reason)" }
}
