package import Basics
import CommandLine
package import Dataset
import Glibc
import HTTPTransport
import JSONText
import ModelAPI
package import ResponseGenerator
package import RunMonitor

/// Carries out commands on the run in progress. Any thread.
package final class RunControl: Sendable {
    /// The object of the commands, while there is one.
    private struct Target: Sendable {
        var generator: ResponseGenerator<ItemContext>
        var cancel: @Sendable () -> Void
        var drainTimeout: Interval
        var hasBudget: Bool
        /// Maximum concurrency under the limit of open files.
        var concurrencyMax: Int
        /// Called with a new window size before the run gets it: a stage shares its server with others.
        var onConcurrency: @Sendable (Int) -> Void
    }

    private struct State: Sendable {
        var target: Target?
        var requeue: Requeue?
        /// Ends a run through batches; the batches continue at the provider.
        var leave: (@Sendable () -> Void)?
        /// The changes so far, by what they change. The next generator of this process begins with them.
        var changes: [String: Steering] = [:]
    }

    private let watch: RunWatch
    private let log: @Sendable (String) -> Void
    private let state = Locked(State())
    private let attached = Locked<(@Sendable () -> Void)?>(nil)

    /// - Parameter log: called with a text for each change.
    package init(_ watch: RunWatch, log: @escaping @Sendable (String) -> Void) {
        self.watch = watch
        self.log = log
    }

    package func attach(
        _ generator: ResponseGenerator<ItemContext>, settings: RunSettings,
        onConcurrency: @escaping @Sendable (Int) -> Void = { _ in }, cancel: @escaping @Sendable () -> Void
    ) {
        let limit = DescriptorLimit.raise()
        let budget = DescriptorBudget(
            limit: limit, used: DescriptorBudget.count(limit: limit), perRequest: settings.simulator == nil ? 1 : 2)
        let target = Target(
            generator: generator, cancel: cancel, drainTimeout: settings.drainTimeout,
            hasBudget: settings.pricing.limit != nil, concurrencyMax: max(1, budget.requestsMax),
            onConcurrency: onConcurrency)
        state.withLock { state in
            (state.target, state.leave) = (target, nil)
            for change in state.changes.values { generator.steer(change) }
        }
        attached.withLock { $0 }?()
    }

    /// Changes the active run and the later ones of this process. Between two legs of a run there is no active one.
    /// - Parameters:
    ///   - subject: what is changed.
    ///   - isKept: false if the change only reverts an earlier one.
    private func steer(_ change: Steering, keeping subject: String, _ isKept: Bool = true) {
        state.withLock { state in
            state.changes[subject] = isKept ? change : nil
            state.target?.generator.steer(change)
        }
    }

    /// Registers an action for each time that a run becomes active.
    package func onAttach(_ action: @escaping @Sendable () -> Void) { attached.withLock { $0 = action } }

    package var isAttached: Bool { state.withLock { $0.target } != nil }

    /// Enables sending failed items again.
    package func attach(_ requeue: Requeue) { state.withLock { $0.requeue = requeue } }

    /// The active run is one through batches, which cannot be paused.
    package func attach(leave action: @escaping @Sendable () -> Void) {
        let isPaused = state.withLock { state in
            state.leave = action
            return state.changes[Self.pauseSubject] != nil
        }
        if isPaused { note("not paused: a run through batches takes drain and stop only") }
    }

    package func detach() { state.withLock { ($0.target, $0.requeue, $0.leave) = (nil, nil, nil) } }

    private var target: Target {
        get throws(RetortError) {
            guard let target = state.withLock({ $0.target }) else { throw Self.isStarting }
            return target
        }
    }

    /// Carries out one command. The reply is one JSON object with `done`, and `message` or `error`.
    package func handle(_ json: [UInt8]) -> ControlReply {
        if json == ControlCommand.identify { return Self.identity }
        do throws(RetortError) {
            // The command is for a stage: it must not apply to the whole run.
            guard (try? JSONParser().parse(json))?.root["stage"] == nil else {
                throw RetortError(.usage, "this run has no stages", remedy: "Leave the stage out.")
            }
            return Self.reply(true, try perform(try ControlCommand(json: json)))
        } catch {
            return Self.reply(false, error.description)
        }
    }

    package static var identity: ControlReply {
        ControlReply(
            isDone: true,
            json: JSONTree.object([
                JSONTree.Member("done", .boolean(true)), JSONTree.Member("pid", .integer(Int(getpid()))),
            ])
            .line)
    }

    package static func reply(_ isDone: Bool, _ text: String) -> ControlReply {
        let tree = JSONTree.object([
            JSONTree.Member("done", .boolean(isDone)), JSONTree.Member(isDone ? "message" : "error", .text(text)),
        ])
        return ControlReply(isDone: isDone, json: tree.line)
    }

    /// Returns a text that says what was done.
    package func perform(_ command: ControlCommand) throws(RetortError) -> String {
        if command == .explain { return Explanation(watch.snapshot.record, watch.exchanges.counts.durations).text }
        if let leave = state.withLock({ $0.leave }) { return try perform(command, on: leave) }
        let text: String
        switch command {
        case .explain: return ""
        case .pause:
            steer(.pause, keeping: Self.pauseSubject)
            text = "paused: nothing new is sent; requests in flight continue"
        case .resume:
            steer(.resume, keeping: Self.pauseSubject, false)
            text = "resumed"
        case .drain:
            let target = try target
            end(target, .drain(deadline: .now + target.drainTimeout))
            text = "draining: the run ends when its requests in flight have returned"
        case .stop:
            end(try target, .now)
            text = "stopping now; the next run sends again what was in flight"
        case .set(let settings): text = try set(settings, try target)
        case .requeue(let id): text = try askAgain(id, try target)
        case .hold(let model):
            steer(.hold(model: model), keeping: "model \(model)")
            text = "holding \(RunRecord.cut(model)): its items wait, others continue"
        case .release(let model):
            steer(.release(model: model), keeping: "model \(model)", false)
            text = "released \(RunRecord.cut(model))"
        }
        note(text)
        return text
    }

    private static let pauseSubject = "pause"
    package static let isStarting = RetortError(
        .busy, "the run is starting or ending", remedy: "Try again in a moment.")
    package static let withoutBudget = RetortError(
        .configuration, "the run began without --max-cost, so it sets nothing aside",
        remedy: "Drain it, then run the same command again with --max-cost.")

    /// Applies a change that was checked elsewhere, and logs it.
    package func tell(_ change: Steering, _ text: String) {
        guard let target = state.withLock({ $0.target }) else { return }
        target.generator.steer(change)
        note(text)
    }

    private func askAgain(_ id: String, _ target: Target) throws(RetortError) -> String {
        guard let requeue = state.withLock({ $0.requeue }) else {
            throw RetortError(
                .configuration, "this run cannot send single items again",
                remedy: "A retry sends every failed item; requeue is for `retort run`.")
        }
        let found = try requeue.take(id)
        target.generator.askAgain(found.map { ($0.item, $0.failureClass) })
        let samples = found.count > 1 ? " (\(found.count) samples)" : ""
        return "sending again: \(RunRecord.cut(id))\(samples), which had failed: \(found[0].failureClass.rawValue)"
    }

    private func perform(
        _ command: ControlCommand, on leave: @Sendable () -> Void
    ) throws(RetortError) -> String {
        switch command {
        case .drain, .stop: leave()
        default:
            throw RetortError(
                .configuration, "a run through batches takes drain and stop only",
                remedy: "Drain it, then run the same command again with other options.")
        }
        let text = "ending: batches continue at the provider; the same command picks up their results"
        note(text)
        return text
    }

    private func end(_ target: Target, _ how: Stop) {
        target.cancel()
        target.generator.stop(how)
    }

    /// Throws if the run does not accept one of the settings.
    package func check(_ settings: [ControlCommand.Setting]) throws(RetortError) {
        if let target = state.withLock({ $0.target }) { try Self.check(settings, target) }
    }

    private static func check(_ settings: [ControlCommand.Setting], _ target: Target) throws(RetortError) {
        for setting in settings {
            switch setting.name {
            case .maxCost where !target.hasBudget: throw withoutBudget
            case .concurrency:
                let wanted = setting.value.flatMap { Int(exactly: $0) } ?? 1
                guard wanted <= target.concurrencyMax else {
                    throw RetortError(
                        .configuration,
                        "the limit of open files leaves room for \(target.concurrencyMax) requests in flight",
                        remedy: "Raise it with ulimit -n before the run starts, or set less.")
                }
            default: break
            }
        }
    }

    /// All settings are checked before the first one is changed.
    private func set(_ settings: [ControlCommand.Setting], _ target: Target) throws(RetortError) -> String {
        try Self.check(settings, target)
        for setting in settings {
            if case .concurrency(let wanted) = setting.steering { target.onConcurrency(wanted) }
        }
        for setting in settings { steer(setting.steering, keeping: setting.name.rawValue) }
        for setting in settings where setting.name == .maxCost { watch.changeCostMax(to: setting.value) }
        return "set " + settings.map(\.text).joined(separator: ", ")
    }

    /// Writes to the run's log, the page, and the store's list of changes.
    private func note(_ text: String) {
        watch.note(.change, text)
        log(text)
    }
}
