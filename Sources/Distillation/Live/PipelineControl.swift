import Basics
import JSONText
import ResponseGenerator
package import RunMonitor

/// Carries out commands on the stages of a pipeline. Commands that apply until the run ends also apply to stages that
/// begin later. Any thread.
package final class PipelineControl: Sendable {
    private struct Orders: Sendable {
        var isPaused = false
        var settings: [ControlCommand.Setting.Name: ControlCommand.Setting] = [:]
        var held: Set<String> = []
        /// `drain` or `stop`, once it was received.
        var ending: ControlCommand?
    }

    private typealias Stage = (name: String, control: RunControl)

    private let stages: [Stage]
    private let watch: RunWatch
    /// Held while a command is passed to one stage after another, so that two controllers leave all stages in the same
    /// state.
    private let orders = Locked(Orders())
    private let shared = Locked<SharedByStages?>(nil)

    /// - Parameters:
    ///   - watch: of the whole pipeline.
    ///   - stages: in pipeline order.
    package init(_ watch: RunWatch, stages: [(name: String, control: RunControl)]) {
        self.watch = watch
        self.stages = stages
        for stage in stages { stage.control.onAttach { [weak self] in self?.instruct(stage) } }
    }

    /// The state shared by the stages, from the start of the run.
    package func attach(_ shared: SharedByStages) { self.shared.withLock { $0 = shared } }

    /// Carries out one command, for all stages or for the one in its `stage` member. The reply has the form of a run's.
    package func handle(_ json: [UInt8]) -> ControlReply {
        if json == ControlCommand.identify { return RunControl.identity }
        do throws(RetortError) {
            let command = try ControlCommand(json: json)
            guard let name = try? JSONParser().parse(json).root["stage"]?.string else {
                return RunControl.reply(true, try perform(command))
            }
            return RunControl.reply(true, try perform(command, of: name))
        } catch {
            return RunControl.reply(false, error.description)
        }
    }

    private var running: [Stage] { stages.filter { $0.control.isAttached } }

    private func perform(_ command: ControlCommand, of name: String) throws(RetortError) -> String {
        guard let stage = stages.first(where: { $0.name == name }) else {
            throw RetortError(
                .usage, "no such stage", at: name,
                remedy: "Stages are \(stages.map(\.name).joined(separator: ", ")).")
        }
        if case .set(let settings) = command, settings.contains(where: { $0.name == .maxCost }) {
            throw RetortError(
                .configuration, "the cost cap is that of all stages together",
                remedy: "Set max-cost for the pipeline's directory.")
        }
        return try stage.control.perform(command)
    }

    /// Returns a text that says what was done.
    private func perform(_ command: ControlCommand) throws(RetortError) -> String {
        switch command {
        case .explain: return try explain()
        case .requeue: return try askAgain(command)
        default: break
        }
        return try orders.withLock { orders throws(RetortError) in
            if case .set(let settings) = command {
                return try set(settings, &orders)
            }
            switch command {
            case .pause: orders.isPaused = true
            case .resume: orders.isPaused = false
            case .hold(let model): orders.held.insert(model)
            case .release(let model): orders.held.remove(model)
            case .drain, .stop:
                orders.ending = command
                shared.withLock { $0 }?.end()
            default: break
            }
            return try tell(command)
        }
    }

    /// Passes a command to all active stages. Others get it when they begin.
    private func tell(_ command: ControlCommand) throws(RetortError) -> String {
        var told: [String] = []
        var text = ""
        for stage in running {
            text = try stage.control.perform(command)
            told.append(stage.name)
        }
        return told.isEmpty
            ? "no stage runs at the moment; the next ones will" : "\(told.joined(separator: ", ")): \(text)"
    }

    /// All settings are checked in all stages before the first one is changed.
    private func set(_ settings: [ControlCommand.Setting], _ orders: inout Orders) throws(RetortError) -> String {
        let cap = settings.last { $0.name == .maxCost }
        let pool = shared.withLock { $0?.pool }
        if cap != nil, pool == nil { throw RunControl.withoutBudget }
        let others = settings.filter { $0.name != .maxCost }
        for stage in running { try stage.control.check(others) }
        for setting in others { orders.settings[setting.name] = setting }
        var texts = others.isEmpty ? [] : [try tell(.set(others))]
        if let cap, case .budget(let nanodollars) = cap.steering {
            pool?.setLimit(nanodollars)
            watch.changeCostMax(to: cap.value)
            let text = "set \(cap.text), for all stages together"
            for stage in running { stage.control.tell(cap.steering, text) }
            texts.append(text)
        }
        return texts.joined(separator: "; ")
    }

    private func explain() throws(RetortError) -> String {
        var lines: [String] = []
        for stage in running {
            for line in try stage.control.perform(.explain).split(separator: "\n") {
                lines.append("\(stage.name): \(line)")
            }
        }
        return lines.isEmpty ? "no stage runs at the moment" : lines.joined(separator: "\n")
    }

    /// The first stage in which the item has failed sends it again.
    private func askAgain(_ command: ControlCommand) throws(RetortError) -> String {
        var refusal = RunControl.isStarting
        for stage in running {
            do throws(RetortError) {
                return "\(stage.name): \(try stage.control.perform(command))"
            } catch {
                refusal = error
                refusal.message = "\(stage.name): \(error.message)"
            }
        }
        throw refusal
    }

    /// Passes to a stage that begins the commands that the others have received.
    private func instruct(_ stage: Stage) {
        orders.withLock { orders in
            var commands: [ControlCommand] = []
            if orders.isPaused { commands.append(.pause) }
            for model in orders.held.sorted() { commands.append(.hold(model: model)) }
            let settings = orders.settings.values.sorted { $0.name.rawValue < $1.name.rawValue }
            if !settings.isEmpty { commands.append(.set(settings)) }
            if let ending = orders.ending { commands.append(ending) }
            for command in commands {
                do throws(RetortError) {
                    _ = try stage.control.perform(command)
                } catch {
                    watch.note(.change, "\(stage.name): not done: \(error.description)")
                }
            }
        }
    }
}
