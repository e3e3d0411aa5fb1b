package import Basics
package import CommandLine
package import Dataset

/// Shows a store's state repeatedly until its writer has ended or the task is cancelled.
package struct StatusWatch: Sendable {
    package let root: String
    package let interval: Interval
    /// Prints one JSON object per line instead of text.
    package let asJSON: Bool
    package let terminal: Terminal

    package init(root: String, interval: Interval, asJSON: Bool, terminal: Terminal) {
        self.root = root
        self.interval = interval
        self.asJSON = asJSON
        self.terminal = terminal
    }

    package static let intervalRange = Interval.milliseconds(100)...Interval.seconds(3600)

    /// Returns when no process writes the store any more, or when the task is cancelled. Throws the errors of reading
    /// the store.
    package func run() async throws(RetortError) {
        let output = DataOutput.standardOutput()
        var pace = WatchPace()
        var screen = RedrawnLines(width: terminal.width)
        while true {
            let status = try StoreStatus(root)
            let rate = pace.add(status.done + status.failed, at: .now)
            if asJSON {
                try output.line(status.json())
            } else if terminal.isTerminal {
                screen.width = Terminal.standardOutput().width
                try output.write(screen.draw(status.lines + [progress(status, rate)]))
            } else {
                try output.line(plainLine(status, rate))
            }
            try output.flush()
            guard status.writer != nil, await sleep() else { return }
        }
    }

    /// Whether to continue watching.
    private func sleep() async -> Bool {
        do {
            try await Task.sleep(for: .nanoseconds(interval.nanoseconds))
            return true
        } catch {
            return false
        }
    }

    private func progress(_ status: StoreStatus, _ rate: Double?) -> String {
        guard status.writer != nil else { return "no active writer" }
        guard let rate else { return "watch      Ctrl-C ends the watch, not the run" }
        var line = "watch      \(Human.rate(rate))"
        if let left = Self.remaining(status, rate) { line += ", ETA \(left)" }
        return line + "; Ctrl-C ends the watch, not the run"
    }

    /// One line for a log.
    private func plainLine(_ status: StoreStatus, _ rate: Double?) -> String {
        UTCTime(wallClockSeconds()).text + "  " + Self.words(status, rate)
    }

    /// The store's progress on one line.
    package static func words(_ status: StoreStatus, _ rate: Double?) -> String {
        var parts = ["\(Human.count(status.done)) done", "\(Human.count(status.failed)) failed"]
        if let pending = status.pending { parts.append("\(Human.count(pending)) pending") }
        if let rate { parts.append(Human.rate(rate)) }
        if let rate, let left = remaining(status, rate) { parts.append("ETA \(left)") }
        var line = parts.joined(separator: ", ")
        if status.writer == nil { line += "; no active writer" }
        return line
    }

    private static func remaining(_ status: StoreStatus, _ rate: Double) -> String? {
        guard let pending = status.pending, pending > 0, rate > 0 else { return nil }
        return Quantity.duration(seconds: Double(pending) / rate)
    }
}

/// Items per second between the latest looks. A value: time comes in.
package struct WatchPace: Sendable {
    /// Number of looks that count.
    package static let looksMax = 15
    private var looks: [(settled: Int, at: Instant)] = []

    /// Adds a look; nil after the first.
    package mutating func add(_ settled: Int, at now: Instant) -> Double? {
        looks.append((settled, now))
        if looks.count > Self.looksMax { looks.removeFirst() }
        let seconds = (now - looks[0].at).seconds
        return seconds > 0 ? Double(settled - looks[0].settled) / seconds : nil
    }
}

/// Lines that are redrawn in place. A value: the text to write goes out.
package struct RedrawnLines: Sendable {
    /// In cells.
    package var width: Int
    private var standing = 0

    package init(width: Int) { self.width = width }

    /// Each line is truncated to the width, so that none wraps and the cursor position is known.
    package mutating func draw(_ lines: [String]) -> String {
        // ECMA-48: moves the cursor up, then erases to the end of the screen.
        let back = standing > 0 ? "\u{1B}[\(standing)A\u{1B}[J" : ""
        standing = lines.count
        return back
            + lines.map { CellWidth.truncated(CellWidth.sanitized($0), to: max(1, width - 1)) + "\n" }.joined()
    }
}
