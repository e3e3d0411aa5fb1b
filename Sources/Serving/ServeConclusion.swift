package import Basics
package import CommandLine
package import Distillation
import ResponseGenerator
import SegmentStore

/// The messages and exit status when a server has ended.
package struct ServeConclusion {
    private let result: ServeResult
    private let run: RunConclusion
    private let out: String

    package init(_ result: ServeResult, settings: RunSettings, commandLine: String) {
        self.result = result
        out = ShellText.quoted(settings.out)
        run = RunConclusion(result.session, settings: settings, commandLine: commandLine)
    }

    package var error: RetortError? { isFatal ? result.session.summary.error : nil }

    /// Clients were already told of an outage or the cap.
    private var isFatal: Bool { !result.session.wasInterrupted }

    package var exitCode: ExitCode {
        if let error { return ExitCode(error.code) }
        return .interrupted
    }

    package var headline: String {
        let progress = result.session.summary.progress
        var text = "Served \(Human.plural(progress.answered, "answer"))"
        if result.reused > 0 { text += ", \(Human.count(result.reused)) more from the store" }
        if progress.failed > 0 { text += ", \(Human.plural(progress.failed, "failure"))" }
        return text + "."
    }

    package func lines(_ palette: Palette) -> [String] {
        let counters = result.session.counters
        var facts: [SummaryFact] = [
            (
                "store",
                "\(Human.count(Int(clamping: counters.done))) answers, \(Human.count(Int(clamping: counters.failed))) failures"
            )
        ]
        facts += RunConclusion.damage(result.session.damage, out: out, palette)
        facts += run.requests()
        facts.append(("status", palette.cyan("retort status \(out)")))
        return RunConclusion.lines(palette.bold(headline), facts)
    }
}
