import Basics
import CommandLine
package import Dataset

/// A run's state on a terminal, as lines. A value: the state is passed in.
package struct TopScreen {
    package let state: RunWatch.State
    package let durations: LogHistogram
    package let title: String
    /// The result of the last key.
    package let reply: String

    package init(state: RunWatch.State, durations: LogHistogram, title: String, reply: String) {
        self.state = state
        self.durations = durations
        self.title = title
        self.reply = reply
    }

    private static let bars = Array("▁▂▃▄▅▆▇█")
    private static let barCells = 30

    /// As many lines as fit; the last one lists the keys.
    package func lines(width: Int, height: Int) -> [String] {
        let record = state.record
        var lines = [head(record), bar(record), pace(record, width), window(record)]
        lines.append(latency)
        lines.append(money(record))
        if !record.paused.isEmpty { lines.append("nothing is sent: \(record.paused)") }
        if !record.reason.isEmpty { lines.append(record.reason) }
        if !record.lastError.isEmpty { lines.append("last error: \(record.lastError)") }
        for (name, failures) in state.failures.sorted(by: { ($1.value.count, $0.key) < ($0.value.count, $1.key) }) {
            lines.append("failed     \(Human.count(failures.count)) \(name)  \(failures.message)")
        }
        for answer in state.answers {
            let text = answer.text.split(whereSeparator: \.isNewline).joined(separator: " ")
            lines.append("answer     \(answer.id): \(text)")
        }
        let keys = "p pause  r resume  + - window  d drain  q quit" + (reply.isEmpty ? "" : "   \(reply)")
        // The cursor is below the last line.
        return lines.prefix(max(1, height - 2)) + [keys]
    }

    private func head(_ record: RunRecord) -> String {
        let word = record.state == .running && !record.paused.isEmpty ? "paused" : record.state.rawValue
        return "\(title)  \(word)  \(Human.duration(.seconds(record.elapsedSeconds)))"
    }

    private func bar(_ record: RunRecord) -> String {
        let settled = record.done + record.failed
        var line = "items      "
        if let total = record.total, total > 0 {
            let filled = min(Self.barCells, Self.barCells * settled / total)
            line += String(repeating: "█", count: filled) + String(repeating: "░", count: Self.barCells - filled) + " "
            line += "\(Human.count(settled)) of \(Human.count(total)) (\(Human.percent(settled, of: total)))"
        } else {
            line += Human.count(settled)
        }
        return line + ", \(Human.count(record.failed)) failed"
    }

    private func pace(_ record: RunRecord, _ width: Int) -> String {
        var line = "pace       \(Human.rate(record.itemsPerSecond))"
        if record.state == .running, let left = record.remainingSeconds {
            line += ", ETA \(Quantity.duration(seconds: left))"
        }
        return line + "  " + spark(cells: min(60, max(0, width - line.count - 4)))
    }

    /// Items per second over time.
    private func spark(cells: Int) -> String {
        let values = state.history.samples.suffix(cells).map(\.items)
        guard let most = values.max(), most > 0 else { return "" }
        return String(values.map { Self.bars[min(7, max(0, Int($0 / most * 7)))] })
    }

    private func window(_ record: RunRecord) -> String {
        let retries = record.retries.values.reduce(0, +)
        return "in flight  \(record.inFlight), window \(record.concurrency) of \(record.concurrencyMax), "
            + "\(Human.count(record.waiting)) waiting to retry, \(Human.count(retries)) retries"
    }

    private var latency: String {
        func text(_ share: Double) -> String { Quantity.milliseconds.text(durations.quantile(share)) }
        return "latency    p50 \(text(0.5)), p95 \(text(0.95)), p99 \(text(0.99))"
    }

    private func money(_ record: RunRecord) -> String {
        let tokens =
            "tokens     \(Human.compact(Double(record.promptTokens))) in, "
            + "\(Human.compact(Double(record.completionTokens))) out"
        return tokens + (record.cost.map { "; \(Human.dollars($0))" } ?? "")
            + (record.settings["max_cost"].map { " of \($0)" } ?? "")
    }
}
