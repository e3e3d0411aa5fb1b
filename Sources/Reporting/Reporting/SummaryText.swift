import Basics
import CommandLine
import Dataset
import SegmentStore

/// `REPORT.txt`: the report for a terminal and for mail, plain ASCII if the data is.
package struct SummaryText {
    private let summary: StoreSummary
    private var digest: RecordDigest { summary.digest }

    package static let barCells = 40
    private static let labelCells = 22
    /// The widths of the columns of figures.
    private static let cells = [11, 11, 11, 11, 13, 18]
    private static let kindsShownMax = 3

    package init(_ summary: StoreSummary) { self.summary = summary }

    package var text: String {
        let sections = [
            head, progress, pace, lastRun, latencyAndTokens, answers, attempts, failures, judgedSection, storage, job,
            exports,
            damage, notes,
        ]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    private var head: [String] {
        let title = "Report on \(clean(summary.root))"
        var lines = [title, String(repeating: "=", count: CellWidth.of(title))]
        lines.append(row("state", "\(summary.stateWord): \(clean(summary.stateDetail))"))
        lines.append(row("snapshot of", UTCTime(summary.generated).text))
        return lines
    }

    private var progress: [String] {
        var lines = heading("Progress")
        let whole = summary.items ?? (summary.done + summary.failed)
        lines.append(
            row("items", summary.items.map { Human.count($0) } ?? "unknown: the input was not read to its end"))
        lines.append(countRow("done", summary.done, of: whole))
        lines.append(countRow("failed", summary.failed, of: whole))
        if let pending = summary.pending { lines.append(countRow("pending", pending, of: whole)) }
        return lines
    }

    private var pace: [String] {
        guard let first = digest.timeline.first, let last = digest.timeline.last else { return [] }
        var lines = heading("Pace")
        lines.append(row("first outcome", UTCTime(first).text))
        lines.append(row("last outcome", UTCTime(last).text))
        lines.append(row("active time", Quantity.duration(seconds: Double(summary.activeSeconds))))
        if let rate = summary.donePerSecond { lines.append(row("answers", Human.rate(rate))) }
        if let rate = summary.recentDonePerSecond { lines.append(row("recent rate", Human.rate(rate))) }
        if let left = summary.remainingSeconds {
            lines.append(row("ETA at that rate", Quantity.duration(seconds: left)))
        }
        if let spent = summary.spending.text { lines.append(row("cost", spent)) }
        if let left = summary.remainingCost, left > 0 { lines.append(row("cost left", "about \(Human.dollars(left))")) }
        return lines
    }

    /// The last run's report and its settings.
    private var lastRun: [String] {
        guard let run = summary.run else { return [] }
        var lines = heading("Last run")
        let reason = run.reason.isEmpty ? "" : ": \(clean(run.reason))"
        lines.append(row("ended", run.state == .stopped ? "stopped\(reason)" : summary.runEnding))
        let ended = max(0, run.done + run.failed - run.earlier)
        lines.append(
            row(
                "pace",
                "\(Human.plural(ended, "item")) in \(Quantity.duration(milliseconds: run.elapsedSeconds * 1000)), "
                    + "\(Human.rate(run.itemsPerSecond).replacing("/s", with: " items/s"))"))
        for (name, text) in run.settings.sorted(by: { $0.key < $1.key }) { lines.append(row(clean(name), clean(text))) }
        for (index, one) in run.endpoints.enumerated() {
            lines.append(row(index == 0 ? "servers" : "", clean(one.line)))
        }
        if let hedges = run.hedges { lines.append(row("hedges", hedges.line)) }
        for change in summary.changes.suffix(StoreSummary.changesShownMax) {
            lines.append(row("changed", "\(UTCTime(Int64(change.time)).text): \(clean(change.text))"))
        }
        return lines
    }

    private var latencyAndTokens: [String] {
        guard !digest.latency.isEmpty else { return [] }
        var lines = heading("Answers")
        lines.append(
            padded("", Self.labelCells)
                + zip(["mean", "p50", "p95", "p99", "max", "total"], Self.cells).map { padded($0, $1, right: true) }
                .joined())
        func add(_ name: String, _ histogram: LogHistogram, _ quantity: Quantity, total: Bool = true) {
            guard let greatest = histogram.maximum, greatest > 0 || name == "latency" else { return }
            var cells = [histogram.mean.map { quantity.text($0) } ?? "-"]
            cells += [0.5, 0.95, 0.99].map { quantity.text(histogram.quantile($0)) } + [quantity.text(greatest)]
            cells.append(total ? quantity.text(histogram.sum) : "")
            lines.append(
                trimmed(
                    padded(name, Self.labelCells) + zip(cells, Self.cells).map { padded($0, $1, right: true) }.joined())
            )
        }
        add("latency", digest.latency, .milliseconds, total: false)
        add("first token", digest.firstToken, .milliseconds, total: false)
        add("prompt tokens", digest.promptTokens, .tokens)
        add("completion tokens", digest.completionTokens, .tokens)
        add("reasoning tokens", digest.reasoningTokens, .tokens)
        add("cached tokens", digest.cachedTokens, .tokens)
        add("cost", digest.nanodollars, .nanodollars)
        return lines + bars("latency", digest.latency, .milliseconds)
            + bars("completion tokens", digest.completionTokens, .tokens)
    }

    private var answers: [String] {
        guard summary.answersRead > 0 else { return [] }
        var lines: [String] = []
        if digest.truncated > 0 {
            lines.append(countRow("truncated (length)", digest.truncated, of: summary.answersRead))
        }
        if digest.together.answers > 0 {
            lines.append(sharedRow("in shared requests", digest.together))
            lines.append(sharedRow("alone", digest.alone))
        }
        if digest.empty > 0 { lines.append(countRow("empty", digest.empty, of: summary.answersRead)) }
        if !digest.valuesFound.isEmpty { lines.append(row("values found", ValueCounts.text(digest.valuesFound))) }
        if digest.unfit > 0 { lines.append(countRow("answers that do not fit", digest.unfit, of: summary.failed)) }
        return lines + counts("Finish reasons", digest.finishReasons) + counts("Models", digest.models)
            + (digest.endpoints.total == 0 ? [] : counts("Servers", digest.endpoints))
    }

    private func sharedRow(_ name: String, _ counts: SharedCounts) -> String {
        countRow(name, counts.answers, of: summary.answersRead)
            + (counts.answers > 0 ? "  (\(Quantity.tokens.text(counts.tokensEach)) tokens each)" : "")
    }

    private var attempts: [String] {
        let sums = zip(digest.attemptsOfDone, digest.attemptsOfFailed).map { $0 + $1 }
        guard sums.dropFirst(2).contains(where: { $0 > 0 }) || summary.failuresRead > 0 else { return [] }
        var lines = heading("Attempts per item")
        for (number, sum) in sums.enumerated() where sum > 0 {
            let name = number == RecordDigest.attemptsMax ? "\(number) or more" : String(number)
            let failed = digest.attemptsOfFailed[number]
            lines.append(
                countRow(name, sum, of: sums.reduce(0, +)) + (failed > 0 ? "  (\(Human.count(failed)) failed)" : ""))
        }
        return lines
    }

    private var failures: [String] {
        guard !summary.failures.isEmpty else { return [] }
        var lines = heading("Failures")
        for (_, name, failure) in summary.failures {
            lines.append(countRow(name, failure.count, of: summary.failuresRead))
            let kinds = failure.sorted
            for kind in kinds.prefix(Self.kindsShownMax) {
                let text = "\(Human.count(kind.count)) x \(clean(kind.example.message))"
                lines.append("    " + CellWidth.truncated(text, to: 112))
                lines.append("        e.g. \(CellWidth.truncated(clean(kind.example.id), to: 80))")
            }
            let others = kinds.dropFirst(Self.kindsShownMax).reduce(failure.otherKinds) { $0 + $1.count }
            if others > 0 { lines.append("    \(Human.count(others)) with other messages") }
        }
        return lines
    }

    private var judgedSection: [String] {
        var lines: [String] = []
        for section in Self.judged(summary.judged) {
            if !lines.isEmpty { lines.append("") }
            lines += heading(section.title) + section.rows.map { row(clean($0.name), clean($0.text)) }
        }
        return lines
    }

    private var storage: [String] {
        var lines = heading("On disk")
        for lane in Lane.outcomes {
            guard let files = summary.files[lane], files.bytes > 0 else { continue }
            var text = "\(Human.bytes(files.bytes)) in \(Human.plural(files.segments, "segment"))"
            if files.journalBytes > 0 { text += ", \(Human.bytes(files.journalBytes)) of it not compressed yet" }
            if let ratio = summary.ratio(lane) { text += ", compressed \(Human.fixed(ratio, 2)):1" }
            lines.append(row(lane.directoryName, text))
        }
        lines.append(row("index", Human.bytes(summary.indexBytes)))
        return lines
    }

    private var job: [String] {
        var lines = heading("Job")
        for (name, value) in summary.manifest.job.sorted(by: { $0.key < $1.key }) {
            lines.append(row(clean(name), clean(value)))
        }
        for file in summary.manifest.input?.files ?? [] { lines.append(row("input", clean(file))) }
        if let changes = RequestEdits.note(in: summary.manifest) {
            lines.append(row("changed by retry", clean(changes)))
        }
        return lines
    }

    private var exports: [String] {
        summary.exports.isEmpty ? [] : heading("Exports") + ExportNotes.lines(summary.exports).map(clean)
    }

    private var damage: [String] {
        guard !summary.damage.isEmpty || digest.unreadable > 0 else { return [] }
        var lines = heading("Damage")
        for damage in summary.damage.prefix(StoreSummary.damageShownMax) {
            lines.append("\(StoreAccess.place(damage)): \(damage.reason)")
        }
        let rest = summary.damage.count - StoreSummary.damageShownMax
        if rest > 0 { lines.append("and \(Human.count(rest)) more stretches, in summary.json") }
        if digest.unreadable > 0 { lines.append("\(Human.count(digest.unreadable)) records are not JSON") }
        return lines
    }

    private var notes: [String] { heading("Notes") + summary.notes }

    // MARK: Lines

    private func heading(_ text: String) -> [String] { [text, String(repeating: "-", count: text.count)] }

    private func row(_ name: String, _ value: String) -> String { padded(name, Self.labelCells) + value }

    private func countRow(_ name: String, _ count: Int, of whole: Int) -> String {
        let share = whole > 0 ? Double(count) / Double(whole) : 0
        let bar = String(repeating: "#", count: Int((share * Double(Self.barCells)).rounded()))
        return trimmed(
            padded(name, Self.labelCells) + padded(Human.count(count), 13, right: true)
                + padded(Human.percent(count, of: whole), 8, right: true) + "  " + bar)
    }

    private func counts(_ title: String, _ counts: NameCounts) -> [String] {
        guard counts.total > 0 else { return [] }
        var lines = [""] + heading(title)
        for (name, count) in counts.sorted {
            let name = name.isEmpty ? "(none)" : CellWidth.truncated(clean(name), to: Self.labelCells - 1)
            lines.append(countRow(name, count, of: counts.total))
        }
        if counts.others > 0 { lines.append(countRow("(others)", counts.others, of: counts.total)) }
        return lines
    }

    private func bars(_ name: String, _ histogram: LogHistogram, _ quantity: Quantity) -> [String] {
        let shape = HistogramBars(histogram)
        guard shape.bars.count > 1, let top = shape.bars.map(\.count).max(), top > 0 else { return [] }
        var lines = ["", "\(name), from:"]
        for bar in shape.bars {
            let length = Double(bar.count) / Double(top) * Double(Self.barCells)
            let mark = bar.count > 0 && length < 0.5 ? "." : String(repeating: "#", count: Int(length.rounded()))
            lines.append(
                trimmed(
                    padded(quantity.text(bar.range.lowerBound), 14, right: true)
                        + padded(Human.count(bar.count), 12, right: true) + "  " + mark))
        }
        return lines
    }

    private func padded(_ text: String, _ cells: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: max(right ? 0 : 1, cells - CellWidth.of(text)))
        return right ? space + text : text + space
    }

    private func trimmed(_ line: String) -> String {
        var line = line
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }

    private func clean(_ text: String) -> String { CellWidth.sanitized(text) }
}
