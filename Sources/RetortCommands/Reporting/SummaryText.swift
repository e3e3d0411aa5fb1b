import Basics
import CommandLine
import SegmentStore

/// `REPORT.txt`: the report for a terminal and for mail, plain ASCII where the data is.
struct SummaryText {
    private let summary: StoreSummary
    private var digest: RecordDigest { summary.digest }

    private static let barCells = 40
    private static let labelCells = 22
    private static let kindsShownMax = 3

    init(_ summary: StoreSummary) { self.summary = summary }

    var text: String {
        let sections = [
            head, progress, pace, latencyAndTokens, answers, attempts, failures, storage, job, damage, notes,
        ]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    private var head: [String] {
        let title = "Report on \(clean(summary.root))"
        var lines = [title, String(repeating: "=", count: CellWidth.of(title))]
        lines.append(row("state", summary.stateSentence))
        lines.append(row("snapshot of", UTCTime(summary.generated).text))
        return lines
    }

    private var progress: [String] {
        var lines = heading("Progress")
        let whole = summary.items ?? (summary.done + summary.failed)
        lines.append(
            row("items", summary.items.map { Human.count($0) } ?? "not known: the input was not read to its end"))
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
        lines.append(row("time at work", Human.duration(.seconds(Double(summary.activeSeconds)))))
        if let rate = summary.donePerSecond { lines.append(row("answers", Human.rate(rate))) }
        if let rate = summary.recentDonePerSecond { lines.append(row("of late", Human.rate(rate))) }
        if let left = summary.remainingSeconds {
            lines.append(row("left at that pace", Human.duration(.seconds(left))))
        }
        if let cost = summary.cost {
            lines.append(
                row("cost", "\(Human.dollars(cost)), \(Human.dollars(digest.failedCost)) of it for failed items"))
        }
        if let left = summary.remainingCost, left > 0 { lines.append(row("cost left", "about \(Human.dollars(left))")) }
        return lines
    }

    private var latencyAndTokens: [String] {
        guard !digest.latency.isEmpty else { return [] }
        var lines = heading("Answers")
        lines.append(
            padded("", Self.labelCells)
                + ["p50", "p95", "p99", "max", "total"].map { padded($0, 11, right: true) }.joined())
        func add(_ name: String, _ histogram: LogHistogram, _ quantity: Quantity, total: Bool = true) {
            guard let greatest = histogram.maximum, greatest > 0 || name == "latency" else { return }
            var cells = [0.5, 0.95, 0.99].map { quantity.text(histogram.quantile($0)) } + [quantity.text(greatest)]
            cells.append(total ? quantity.text(histogram.sum) : "")
            lines.append(trimmed(padded(name, Self.labelCells) + cells.map { padded($0, 11, right: true) }.joined()))
        }
        add("latency", digest.latency, .milliseconds, total: false)
        add("prompt tokens", digest.promptTokens, .tokens)
        add("completion tokens", digest.completionTokens, .tokens)
        add("reasoning tokens", digest.reasoningTokens, .tokens)
        add("cached tokens", digest.cachedTokens, .tokens)
        add("cost", digest.nanodollars, .nanodollars)
        return lines + bars("latency", digest.latency, .milliseconds)
            + bars("completion tokens", digest.completionTokens, .tokens)
    }

    private var answers: [String] {
        guard summary.done > 0 else { return [] }
        var lines: [String] = []
        if digest.truncated > 0 { lines.append(countRow("cut off (length)", digest.truncated, of: summary.done)) }
        if digest.empty > 0 { lines.append(countRow("without a text", digest.empty, of: summary.done)) }
        return lines + counts("Finish reasons", digest.finishReasons) + counts("Models that answered", digest.models)
    }

    private var attempts: [String] {
        let sums = zip(digest.attemptsOfDone, digest.attemptsOfFailed).map { $0 + $1 }
        guard sums.dropFirst(2).contains(where: { $0 > 0 }) || summary.failed > 0 else { return [] }
        var lines = heading("Attempts an item took")
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
            lines.append(countRow(name, failure.count, of: summary.failed))
            let kinds = failure.sorted
            for kind in kinds.prefix(Self.kindsShownMax) {
                let text = "\(Human.count(kind.count)) x \(clean(kind.example.message))"
                lines.append("    " + CellWidth.truncated(text, to: 112))
                lines.append("        such as \(CellWidth.truncated(clean(kind.example.id), to: 80))")
            }
            let others = kinds.dropFirst(Self.kindsShownMax).reduce(failure.otherKinds) { $0 + $1.count }
            if others > 0 { lines.append("    \(Human.count(others)) with other messages") }
        }
        return lines
    }

    private var storage: [String] {
        var lines = heading("On disk")
        for lane in Lane.allCases {
            guard let files = summary.files[lane], files.bytes > 0 else { continue }
            var text = "\(Human.bytes(files.bytes)) in \(StoreSummary.plural(files.segments, "segment"))"
            if files.journalBytes > 0 { text += ", \(Human.bytes(files.journalBytes)) of them not compressed yet" }
            if let ratio = summary.ratio(lane) { text += ", \(Human.fixed(ratio, 2)) times smaller than its lines" }
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
        return lines
    }

    private var damage: [String] {
        guard !summary.damage.isEmpty || digest.unreadable > 0 else { return [] }
        var lines = heading("Damage")
        for damage in summary.damage {
            lines.append(
                "\(damage.lane.directoryName) segment \(damage.segment), bytes \(damage.range.lowerBound) to "
                    + "\(damage.range.upperBound): \(damage.reason)")
        }
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
