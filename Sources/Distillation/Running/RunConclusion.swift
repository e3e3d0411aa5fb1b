package import Basics
package import CommandLine
import Dataset
import ModelAPI
import ModelSimulator
import ResponseGenerator
package import SegmentStore

/// The summary and exit status of a run.
package struct RunConclusion {
    private let result: RunResult
    private let out: String
    private let commandLine: String

    package init(_ result: RunResult, settings: RunSettings, commandLine: String) {
        self.result = result
        out = ShellText.quoted(settings.out)
        self.commandLine = commandLine
    }

    package var error: RetortError? { result.summary.error }

    private var standing: RunStanding { result.standing }
    private var isFinished: Bool { result.summary.ending == .completed && !result.wasInterrupted }

    package var exitCode: ExitCode {
        if let error { return ExitCode(error.code) }
        if result.wasInterrupted { return .interrupted }
        if !isFinished { return .incomplete }
        if let goal = result.goal { return goal.isReached ? .ok : .incomplete }
        return standing.failed > 0 || result.summary.progress.verifierFailures > 0 ? .incomplete : .ok
    }

    /// A headline, what was done, and what to do next.
    package func lines(_ palette: Palette) -> [String] {
        Self.lines(palette.bold(headline), outcomes(palette) + (result.route?.facts ?? []) + requests() + next(palette))
            + (isFinished ? [] : ["resume with: " + palette.cyan(commandLine)])
    }

    /// A headline and facts below it, with their texts in one column.
    package static func lines(_ headline: String, _ facts: [SummaryFact]) -> [String] {
        let width = facts.map(\.label.count).max() ?? 0
        return [headline]
            + facts.map { "  " + $0.label + String(repeating: " ", count: width - $0.label.count + 2) + $0.text }
    }

    package var headline: String {
        if isFinished {
            if let goal = result.goal { return goal.headline }
            if standing.total == 0 {
                return "Finished: \(result.part?.emptiness ?? "the input holds no rows")."
            }
            if let unjudged = unjudged {
                return "Finished, but \(Human.plural(unjudged, "answer")) could not be judged."
            }
            let failed = items(standing.failed)
            return standing.failed == 0 ? "Finished: every item has its answer." : "Finished, but \(failed) failed."
        }
        let how = result.wasInterrupted ? "Interrupted" : error != nil ? "Stopped by an error" : "Stopped early"
        guard let pending = standing.pending else { return how + "." }
        return pending == 0 ? how + "; no item is left." : "\(how): \(items(pending)) left."
    }

    /// Answers in rounds/ that wait for a verifier; nil if there are none.
    private var unjudged: Int? {
        let failures = result.summary.progress.verifierFailures
        return failures > 0 ? min(failures, standing.pending ?? failures) : nil
    }

    private func outcomes(_ palette: Palette) -> [SummaryFact] {
        var done = Human.count(standing.done)
        if let total = standing.total { done += " of \(items(total))" }
        if standing.earlier > 0 { done += "; \(Human.plural(standing.earlier, "outcome")) from earlier runs" }
        var facts: [SummaryFact] = [("done", done)]
        if standing.failed > 0 {
            facts.append(("failed", palette.red(Human.count(standing.failed)) + failureClasses))
        }
        facts += result.part?.facts ?? []
        if standing.foreign > 0 {
            facts.append(
                ("other", "\(Human.plural(standing.foreign, "record")) from rows not in this input"))
        }
        facts += Self.damage(result.damage, out: out, palette)
        if result.summary.unsaved > 0 {
            facts.append(
                ("lost", palette.red("\(Human.count(result.summary.unsaved)) answers could not be written to disk")))
        }
        return facts
    }

    /// Known damage of the store.
    package static func damage(_ damage: [Damage], out: String, _ palette: Palette) -> [SummaryFact] {
        guard let first = damage.first else { return [] }
        let rest = damage.count > 1 ? " and \(Human.count(damage.count - 1)) more" : ""
        return [
            (
                "damaged",
                palette.red("\(StoreAccess.place(first)): \(first.reason)\(rest)") + "; see `retort verify \(out)`"
            )
        ]
    }

    private var failureClasses: String {
        guard standing.foreign == 0 else { return "" }
        return Self.classes(of: result.counters)
    }

    /// The failures of a store by class, in parentheses.
    package static func classes(of counters: StoreCounters) -> String {
        let names = RecordCodec.failureClasses
        let parts = counters.failedByClass.enumerated().filter { $0.element > 0 }.map { index, count in
            (Human.count(Int(count)), index < names.count ? names[index] : "other")
        }
        if parts.count == 1 { return " (\(parts[0].1))" }
        return parts.isEmpty ? "" : " (" + parts.map { "\($0.0) \($0.1)" }.joined(separator: ", ") + ")"
    }

    /// Maximum characters shown of a verifier's error.
    private static let verifierTroubleCharactersMax = 1000

    /// Counts of judged answers.
    private static func rounds(of progress: Progress) -> [SummaryFact] {
        var facts: [SummaryFact] = []
        if progress.rounds > 0 {
            facts.append(
                (
                    "rounds",
                    "\(Human.plural(progress.rounds, "answer")) not good enough and sent again or given up; "
                        + "kept in rounds/"
                ))
        }
        if progress.judged > 0 {
            facts.append(
                (
                    "verifier",
                    "judged \(Human.plural(progress.judged, "answer")), \(Human.count(progress.passed)) passed"
                ))
        }
        if progress.verifierFailures > 0 {
            let times = progress.verifierFailures == 1 ? "once" : "\(Human.count(progress.verifierFailures)) times"
            facts.append(
                ("unjudged", "the verifier failed \(times); the same command judges these answers again, at no cost"))
            if let trouble = progress.verifierTrouble {
                facts.append(("", String(CellWidth.sanitized(trouble).prefix(verifierTroubleCharactersMax))))
            }
        }
        return facts
    }

    /// The requests of this run.
    package func requests() -> [SummaryFact] {
        let progress = result.summary.progress
        guard progress.requests > 0 else {
            if let fact = ReuseOptions.fact(progress) { return [("requests", "none sent"), fact] }
            let attempts = Human.count(progress.unconnected)
            let none = progress.unconnected > 0 ? "none sent: \(attempts) attempts found no server" : "none sent"
            return [("requests", none)] + Self.errors(of: progress)
        }
        let rate = Double(progress.requests) / max(progress.elapsed.seconds, 1e-9)
        var facts: [SummaryFact] = [
            (
                "requests",
                "\(Human.count(progress.requests)) in \(Human.duration(progress.elapsed)), \(Human.rate(rate))"
            ),
            (
                "tokens",
                "\(Human.count(progress.usage.prompt)) in, \(Human.count(progress.usage.completion)) out"
            ),
        ]
        if let fact = SendingOrder.fact(progress) { facts.append(fact) }
        if let fact = ReuseOptions.fact(progress) { facts.append(fact) }
        if let fact = StreamOption.fact(progress) { facts.append(fact) }
        if let cost = result.cost {
            let micros = Int(cost.cpuSeconds * 1e6 / Double(progress.requests))
            facts.append(
                (
                    "process",
                    "\(Human.duration(.seconds(cost.cpuSeconds))) CPU (\(Human.count(micros)) us/request), "
                        + "peak memory \(Human.bytes(cost.residentBytesMax))"
                ))
        }
        if let spent = result.spending.text { facts.append(("cost", "\(spent), for all of the store")) }
        if let fact = Self.retries(of: progress) { facts.append(fact) }
        facts += Self.errors(of: progress)
        for (index, one) in progress.endpoints.enumerated() {
            facts.append((index == 0 ? "servers" : "", EndpointRecord(one).line))
        }
        if let server = result.disorderlyServer {
            facts.append(
                ("server", "\(server) sends bytes that were not requested, so its connections are not reused"))
        }
        if let hedges = progress.hedges { facts.append(("hedges", HedgeRecord(hedges).line)) }
        facts += Self.rounds(of: progress)
        if progress.truncated > 0 {
            let answers = progress.truncated == 1 ? "1 answer" : "\(Human.count(progress.truncated)) answers"
            facts.append(("truncated", "\(answers) stopped at the token limit (finish_reason length); kept"))
        }
        if progress.empty > 0 {
            let answers = Human.plural(progress.empty, "answer")
            facts.append(
                ("empty", "\(answers) without text or tool calls; kept (--reject-finish empty makes them failures)"))
        }
        let rejected = progress.failures[.invalidOutput] ?? 0
        if !progress.valuesFound.isEmpty, let text = ValueCounts.text(progress.valuesFound, unfit: rejected) {
            facts.append(("values", text))
        }
        if let counts = result.simulatorCounts {
            facts.append(
                (
                    "simulator",
                    "counted \(counts.requests == 1 ? "1 request" : "\(Human.count(counts.requests)) requests")"
                ))
        }
        return facts
    }

    private static func retries(of progress: Progress) -> SummaryFact? {
        let retries = progress.retries.filter { $0.value > 0 }
        guard !retries.isEmpty else { return nil }
        let parts = retries.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
            .map { "\(Human.count($0.value)) \($0.key.rawValue)" }
        let sum = Human.count(retries.values.reduce(0, +))
        return ("retries", "\(sum) (\(parts.joined(separator: ", ")))")
    }

    /// Maximum characters shown of an error's text.
    private static let errorCharactersMax = 120
    /// The share of rate-limited requests from which a slower rate is advised.
    private static let rateLimitedShareMax = 0.1

    /// The most frequent errors of the run, and advice for the most frequent one.
    private static func errors(of progress: Progress) -> [SummaryFact] {
        var facts: [SummaryFact] = progress.errors.map { error in
            let text = CellWidth.truncated(CellWidth.sanitized(error.text), to: errorCharactersMax)
            return ("error", "\(Human.count(error.count)) x \(text)")
        }
        if Double(progress.rateLimited) > Double(progress.requests) * rateLimitedShareMax {
            let share = Human.percent(progress.rateLimited, of: progress.requests)
            facts.append(
                (
                    "advice",
                    "\(share) of the requests were rate-limited: lower --concurrency, set --rps, or let -c auto find it"
                ))
        }
        return facts
    }

    private func next(_ palette: Palette) -> [SummaryFact] {
        var facts: [SummaryFact] = []
        if standing.done > 0 { facts.append(("answers", palette.cyan("zcat \(out)/responses/*.jsonl.gz | head"))) }
        if standing.failed > 0 {
            facts.append(("failures", palette.cyan("retort cat \(out) --failures")))
            let bad = Int(
                clamping: FailureClass.allCases.firstIndex(of: .badInput).map {
                    result.counters.failedByClass[$0]
                } ?? 0)
            if bad < result.counters.failed {
                facts.append(("retry", palette.cyan("retort retry \(out)")))
            }
            if let place = result.tornEnd {
                facts.append(
                    (
                        "torn input",
                        "the last row, \(place), is not JSON, perhaps cut off: correct or delete it, then run the same command again"
                    ))
            } else if bad > 0 {
                facts.append(("bad rows", "correct them in the input, then run the same command again"))
            }
        }
        facts.append(("status", palette.cyan("retort status \(out)")))
        return facts
    }

    private func items(_ count: Int) -> String { count == 1 ? "1 item" : "\(Human.count(count)) items" }
}
