package import Basics
package import CommandLine
import ModelAPI
import ResponseGenerator
import SegmentStore

/// The messages and exit status when a retry is over.
package struct RetryConclusion {
    private let result: RunResult
    private let run: RunConclusion
    private let out: String
    private let commandLine: String

    package init(_ result: RunResult, settings: RunSettings, commandLine: String) {
        self.result = result
        self.commandLine = commandLine
        out = ShellText.quoted(settings.out)
        run = RunConclusion(result, settings: settings, commandLine: commandLine)
    }

    package var error: RetortError? { run.error }

    private var isFinished: Bool { result.summary.ending == .completed && !result.wasInterrupted }
    private var chosen: Int { result.standing.total ?? progress.done }
    private var progress: Progress { result.summary.progress }

    /// 75 as long as any item of the store is failed, whether it was retried or not.
    package var exitCode: ExitCode {
        let code = run.exitCode
        return code == .ok && result.counters.failed > 0 ? .incomplete : code
    }

    /// Advice about malformed rows.
    package static let badInputAdvice =
        "rows of class bad_input were never sent: correct the rows in the input and run the job again"

    package func lines(_ palette: Palette) -> [String] {
        RunConclusion.lines(palette.bold(headline), outcomes(palette) + run.requests() + next(palette))
    }

    package var headline: String {
        let left = chosen - progress.done
        if !isFinished {
            let how = result.wasInterrupted ? "Interrupted" : error != nil ? "Stopped by an error" : "Stopped early"
            return "\(how): \(Human.count(left)) of \(Self.items(chosen)) were not retried."
        }
        if progress.failed == 0 { return "Retried: all \(Self.items(chosen)) have their answer now." }
        return "Retried: \(Human.count(progress.failed)) of \(Self.items(chosen)) failed again."
    }

    private func outcomes(_ palette: Palette) -> [SummaryFact] {
        let counters = result.counters
        var facts: [SummaryFact] = [
            ("done", "\(Human.count(progress.answered)) now, \(Human.count(Int(counters.done))) in the store")
        ]
        if counters.failed > 0 {
            let count = palette.red(Human.count(Int(counters.failed)))
            facts.append(("failed", "\(count) in the store\(RunConclusion.classes(of: counters))"))
        }
        facts += RunConclusion.damage(result.damage, out: out, palette)
        return facts
    }

    private func next(_ palette: Palette) -> [SummaryFact] {
        var facts: [SummaryFact] = []
        if !isFinished { facts.append(("resume", palette.cyan(commandLine))) }
        let place = FailureClass.allCases.firstIndex(of: .badInput)!
        if result.counters.failedByClass[place] > 0 { facts.append(("bad rows", Self.badInputAdvice)) }
        if result.counters.failed > 0 { facts.append(("failures", palette.cyan("retort cat \(out) --failures"))) }
        return facts
    }

    private static func items(_ count: Int) -> String { count == 1 ? "1 item" : "\(Human.count(count)) items" }
}
