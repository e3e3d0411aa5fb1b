import Basics
import CommandLine
import ModelAPI
import ModelSimulator
import ResponseGenerator
import SegmentStore

/// What is said when a run is over, and with which status it ends.
struct RunConclusion {
    private let result: RunSession.Result
    private let settings: RunSettings
    private let commandLine: String

    init(_ result: RunSession.Result, settings: RunSettings, commandLine: String) {
        self.result = result
        self.settings = settings
        self.commandLine = commandLine
    }

    var error: RetortError? { result.summary.error }

    var exitCode: ExitCode {
        if let error = result.summary.error { return ExitCode(error.code) }
        if result.wasInterrupted { return .interrupted }
        if result.summary.ending != .completed { return .incomplete }
        return result.counters.failed > 0 ? .incomplete : .ok
    }

    func lines(_ palette: Palette) -> [String] {
        [outcome(palette)] + costs() + failures(palette) + next(palette)
    }

    private func outcome(_ palette: Palette) -> String {
        let counters = result.counters
        var text = palette.bold("\(Human.count(Int(counters.done))) done")
        if counters.failed > 0 { text += ", " + palette.red("\(Human.count(Int(counters.failed))) failed") }
        if let total = result.itemsTotal {
            let pending = total - Int(counters.done) - Int(counters.failed)
            if pending > 0 { text += ", \(Human.count(pending)) pending" }
            text += " of \(Human.count(total))"
        }
        if result.resumedDone + result.resumedFailed > 0 {
            text += ", \(Human.count(Int(result.resumedDone + result.resumedFailed))) of them by earlier runs"
        }
        return text
    }

    private func costs() -> [String] {
        let progress = result.summary.progress
        guard progress.requests > 0 else { return ["nothing was asked of the server"] }
        let seconds = max(progress.elapsed.seconds, 1e-9)
        let rate = Double(progress.requests) / seconds
        var lines = [
            "\(Human.count(progress.requests)) requests in \(Human.duration(progress.elapsed)) (\(Human.rate(rate))), "
                + "\(Human.count(progress.usage.prompt)) tokens in, \(Human.count(progress.usage.completion)) out"
        ]
        let retries = progress.retries.filter { $0.value > 0 }
        if !retries.isEmpty {
            let parts = retries.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key.rawValue)" }
            lines.append("retried: \(parts.joined(separator: ", "))")
        }
        if progress.truncated > 0 {
            lines.append(
                "\(Human.count(progress.truncated)) answers were cut off for want of tokens (finish_reason length)")
        }
        if let counts = result.simulatorCounts {
            lines.append("the model server counted \(Human.count(counts.requests)) requests")
        }
        return lines
    }

    private func failures(_ palette: Palette) -> [String] {
        let names = RecordCodec.failureClasses
        let parts = result.counters.failedByClass.enumerated().filter { $0.element > 0 }.map { index, count in
            "\(count) \(index < names.count ? names[index] : "other")"
        }
        return parts.isEmpty ? [] : ["failed: \(parts.joined(separator: ", "))"]
    }

    private func next(_ palette: Palette) -> [String] {
        let out = settings.out
        var lines: [String] = []
        if result.summary.ending != .completed || result.wasInterrupted {
            lines.append("resume with: " + palette.cyan(commandLine))
        }
        if result.counters.done > 0 {
            lines.append("read it: " + palette.cyan("zcat \(out)/responses/*.jsonl.gz | head"))
        }
        if result.counters.failed > 0 {
            lines.append("see what failed: " + palette.cyan("retort cat \(out) --failures"))
        }
        lines.append("look again: " + palette.cyan("retort status \(out)"))
        return lines
    }
}
