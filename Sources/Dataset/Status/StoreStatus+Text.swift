import Basics
import BatchDelivery
import CommandLine
import SegmentStore

extension StoreStatus {
    /// The state in a sentence: `stopped at 510 of 2,000 items: interrupted`.
    package var sentence: String {
        let place = progressText
        switch state {
        case .running:
            let isRetry = run?.command == "retry"
            return isRetry ? "running: a retry, \(retryText)" : "running: \(place)"
        case .ended: return failed > 0 ? "ended: \(place), \(Human.count(failed)) failed" : "ended: \(place)"
        case .stopped: return "stopped at \(place)" + (run.map { $0.reason.isEmpty ? "" : ": \($0.reason)" } ?? "")
        case .killed:
            let seen = run.map { "; its last sign was at \(UTCTime(Int64($0.updated)).text)" } ?? ""
            return "killed at \(place)\(seen)"
        case .idle: return place
        }
    }

    private var progressText: String {
        let settled = pending.flatMap { left in items.map { max(0, $0 - left) } } ?? done + failed
        guard let items else { return "\(Human.count(settled)) items" }
        return "\(Human.count(settled)) of \(Human.plural(items, "item"))"
    }

    private var retryText: String {
        guard let run, let total = run.total else { return "" }
        return "\(Human.count(run.done + run.failed)) of \(Human.plural(total, "failed item"))"
    }

    private var pendingText: String {
        if let pending { return Human.count(pending) }
        return items == nil
            ? "unknown: the input was not read to its end yet"
            : "unknown: the store has records of other inputs too; the run itself reports it"
    }

    /// The name and text of each line.
    package var facts: [(name: String, text: String)] {
        var facts: [(String, String)] = [("state", sentence)]
        facts += running
        if let part = reader.manifest.input?.part { facts.append(("shard", part.text(reader.manifest.input?.rows))) }
        facts.append(("done", Human.count(done)))
        facts.append(("failed", Human.count(failed)))
        facts += failureClasses.map { ("", "\(Human.count($0.count)) \($0.name)") }
        facts.append(("pending", pendingText))
        facts.append(("tokens", "\(Human.count(tally(.prompt))) in, \(Human.count(tally(.completion))) out"))
        if let spent = spending.text {
            let isSetAside = !batches.isEmpty && spending.uncertainMax > 0
            facts.append(("cost", spent + (isSetAside ? ", or reserved for batches in progress" : "")))
        }
        if let perItem { facts.append(("per item", perItem)) }
        let counters = reader.counters
        if counters.rounds > 0 {
            facts.append(("rounds", "\(Human.plural(Int(clamping: counters.rounds), "answer")) kept in rounds/"))
        }
        if counters.verdicts > 0 { facts.append(("verdicts", Human.count(Int(clamping: counters.verdicts)))) }
        for (index, line) in EvaluationNote.lines(reader.manifest).enumerated() {
            facts.append((index == 0 ? "passed" : "", line))
        }
        if tally(.truncated) > 0 { facts.append(("truncated", Human.count(tally(.truncated)))) }
        if let run, run.empty > 0 {
            facts.append(("empty", "\(Human.plural(run.empty, "answer")) of the last run without any content"))
        }
        if let run, !run.valuesFound.isEmpty,
            let text = ValueCounts.text(run.valuesFound, unfit: run.invalid)
        {
            facts.append(("values", "\(text) (last run)"))
        }
        for batch in batches.prefix(Self.batchesShownMax) {
            facts.append(
                (
                    "batch \(batch.number)",
                    BatchText.state(batch, now: Int(wallClockSeconds()))
                        + (batch.batch.map { " (\($0))" } ?? "")
                ))
        }
        if batches.count > Self.batchesShownMax {
            facts.append(("", "and \(Human.count(batches.count - Self.batchesShownMax)) more batches"))
        }
        facts += files
        facts.append(("writer", writer ?? "none"))
        if let server { facts.append(("server", server)) }
        for (index, one) in (run?.endpoints ?? []).enumerated() {
            facts.append((index == 0 ? "servers" : "", one.line))
        }
        if let hedges = run?.hedges { facts.append(("hedges", hedges.line)) }
        if !settings.isEmpty {
            facts.append(("settings", settings.map { "\($0.name)=\($0.text)" }.joined(separator: ", ")))
        }
        let job = reader.manifest.job.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        facts.append(("job", job.joined(separator: ", ")))
        if let changes = RequestEdits.note(in: reader.manifest) { facts.append(("changes", "\(changes) (by retry)")) }
        let exportLines = ExportNotes.lines(exports)
        for (index, line) in exportLines.enumerated() { facts.append((index == 0 ? "exports" : "", line)) }
        for damage in damage.prefix(Self.damageShownMax) {
            facts.append(("damaged", "\(StoreAccess.place(damage)): \(damage.reason)"))
        }
        if damage.count > Self.damageShownMax {
            facts.append(("", "and \(Human.count(damage.count - Self.damageShownMax)) more; see `retort verify`"))
        }
        return facts
    }

    package var lines: [String] {
        facts.map { name, text in
            name + String(repeating: " ", count: max(1, Self.nameCells - name.count)) + CellWidth.sanitized(text)
        }
    }

    private static let nameCells = 11
    private static let damageShownMax = 10
    private static let batchesShownMax = 20

    /// The running run's rate.
    private var running: [(String, String)] {
        guard state == .running, let run else { return [] }
        var pace = "\(Human.rate(run.itemsPerSecond).replacing("/s", with: " items/s"))"
        if let left = run.remainingSeconds { pace += ", ETA \(Quantity.duration(seconds: left))" }
        pace += "; \(Human.count(run.inFlight)) in flight"
        if run.concurrency > 0, run.concurrency < run.concurrencyMax {
            pace += " (window \(run.concurrency) of \(run.concurrencyMax))"
        }
        if run.waiting > 0 {
            pace += ", \(Human.count(run.waiting)) waiting to retry"
            if let next = run.nextRetrySeconds { pace += ", next in \(Quantity.duration(seconds: next))" }
        }
        var facts = [("pace", pace)]
        if !run.paused.isEmpty { facts.append(("paused", run.paused)) }
        if !run.retries.isEmpty {
            let retries = run.retries.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            let parts = retries.map { "\(Human.count($0.value)) \($0.key)" }.joined(separator: ", ")
            facts.append(("retries", "\(Human.count(retries.reduce(0) { $0 + $1.value })) (\(parts))"))
        }
        if !run.lastError.isEmpty { facts.append(("last error", run.lastError)) }
        return facts
    }

    /// Means over the answers.
    private var perItem: String? {
        guard let latency = mean(.latency), let prompt = mean(.prompt), let completion = mean(.completion) else {
            return nil
        }
        var text =
            "\(Quantity.duration(milliseconds: latency)), \(Quantity.trimmed(prompt, 1)) tokens in, "
            + "\(Quantity.trimmed(completion, 1)) out"
        if let costPerItem { text += ", \(Human.dollars(costPerItem))" }
        return text
    }

    private var files: [(String, String)] {
        var facts: [(String, String)] = []
        for lane in Lane.outcomes {
            let files = sizes[lane] ?? []
            guard !files.isEmpty else { continue }
            facts.append(
                (
                    lane.directoryName,
                    "\(Human.plural(files.count, "segment")), \(Human.bytes(files.reduce(0, +)))"
                ))
        }
        if superseded.records > 0 {
            facts.append(
                (
                    "superseded",
                    "\(Human.plural(superseded.records, "answer")) to rows that changed, or that no longer fit, "
                        + Human.bytes(superseded.bytes)
                ))
        }
        return facts
    }
}
