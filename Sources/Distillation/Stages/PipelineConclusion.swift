package import Basics
package import CommandLine
import Dataset
import ModelAPI
import ModelSimulator
import Reporting
import ResponseGenerator

/// The summary and exit status of a pipeline.
package struct PipelineConclusion {
    private let pipeline: Pipeline
    private let result: PipelineSession.Result
    private let commandLine: String

    package init(_ result: PipelineSession.Result, _ pipeline: Pipeline, commandLine: String) {
        (self.result, self.pipeline, self.commandLine) = (result, pipeline, commandLine)
    }

    /// The errors with which stages ended, each with the stage's name.
    package var errors: [(stage: String, error: RetortError)] {
        zip(pipeline.stages, result.endings).compactMap { stage, ending in
            switch ending {
            case .failure(let error): return (stage.name, error)
            case .success(let result): return result.summary.error.map { (stage.name, $0) }
            case nil: return nil
            }
        }
    }

    package var exitCode: ExitCode {
        if let error = errors.first?.error { return ExitCode(error.code) }
        if result.wasInterrupted { return .interrupted }
        let codes = zip(pipeline.stages, result.endings).map { stage, ending -> ExitCode in
            guard case .success(let result) = ending else { return .incomplete }
            return RunConclusion(result, settings: stage.settings, commandLine: commandLine).exitCode
        }
        return codes.first { $0 != .ok } ?? .ok
    }

    package func lines(_ palette: Palette) -> [String] {
        var facts: [SummaryFact] = []
        for (stage, ending) in zip(pipeline.stages, result.endings) {
            facts.append((stage.name, text(ending, palette)))
        }
        let spent = results.reduce(0) { $0.addingSaturated($1.spending.recorded) }
        if spent > 0 { facts.append(("cost", "\(Human.dollars(Money.dollars(spent))), for all stages")) }
        if let counts = result.simulatorCounts {
            facts.append(("simulator", "counted \(Human.plural(counts.requests, "request"))"))
        }
        let out = ShellText.quoted(pipeline.root)
        let failed = results.contains { $0.standing.failed > 0 }
        if failed { facts.append(("retry", "retort retry \(out)")) }
        facts.append(("status", "retort status \(out)"))
        return RunConclusion.lines(palette.bold(headline), facts)
            + (isFinished ? [] : ["resume with: " + palette.cyan(commandLine)])
    }

    /// The summary of each stage, as JSON events.
    package var events: [String] {
        zip(pipeline.stages, result.endings).compactMap { stage, ending in
            guard case .success(let result) = ending else { return nil }
            let conclusion = RunConclusion(result, settings: stage.settings, commandLine: commandLine)
            return SummaryEvent.text(
                of: stage.settings.out, command: "run", headline: conclusion.headline,
                exitCode: conclusion.exitCode, counters: result.counters, spending: result.spending)
        }
    }

    private var results: [RunResult] {
        result.endings.compactMap { ending in
            if case .success(let result) = ending { return result }
            return nil
        }
    }

    private var isFinished: Bool {
        !result.wasInterrupted && errors.isEmpty && results.count == pipeline.stages.count
            && results.allSatisfy { $0.summary.ending == .completed }
    }

    package var headline: String {
        let failed = results.reduce(0) { $0 + $1.standing.failed }
        if isFinished, results.contains(where: { $0.goal != nil }) {
            return results.allSatisfy { $0.goal?.isReached ?? true }
                ? "Finished: enough answers are accepted." : "Finished, but not enough answers were accepted."
        }
        if isFinished {
            return failed == 0
                ? "Finished: every item of every stage has its answer."
                : "Finished, but \(Human.plural(failed, "item")) failed."
        }
        return result.wasInterrupted ? "Interrupted." : errors.isEmpty ? "Stopped early." : "Stopped by an error."
    }

    private func text(_ ending: PipelineSession.Ending?, _ palette: Palette) -> String {
        guard let ending else { return "not begun" }
        guard case .success(let result) = ending else { return palette.red("stopped") }
        let standing = result.standing
        var text = Human.count(standing.done)
        if let total = standing.total { text += " of \(Human.plural(total, "item"))" }
        text += " done"
        if standing.failed > 0 {
            text +=
                ", " + palette.red("\(Human.count(standing.failed)) failed")
                + RunConclusion.classes(of: result.counters)
        }
        if let goal = result.goal { text += "; \(Human.count(goal.accepted)) of \(Human.count(goal.wanted)) accepted" }
        if standing.earlier > 0 { text += "; \(Human.count(standing.earlier)) from earlier runs" }
        text += "; \(Human.plural(result.summary.progress.requests, "request"))"
        if let dollars = result.spending.dollars { text += ", \(Human.dollars(dollars))" }
        return text
    }
}
