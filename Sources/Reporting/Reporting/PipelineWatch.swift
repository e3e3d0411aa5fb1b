package import Basics
package import CommandLine
import Dataset

/// Shows the stages of a pipeline repeatedly until no process writes one any more or the task is cancelled.
package struct PipelineWatch: Sendable {
    /// A pipeline's directory.
    package let root: String
    package let interval: Interval
    /// Prints one JSON object per stage instead of text.
    package let asJSON: Bool
    package let terminal: Terminal

    package init(root: String, interval: Interval, asJSON: Bool, terminal: Terminal) {
        self.root = root
        self.interval = interval
        self.asJSON = asJSON
        self.terminal = terminal
    }

    /// Throws what reading a store throws.
    package func run() async throws(RetortError) {
        let output = DataOutput.standardOutput()
        var paces: [String: WatchPace] = [:]
        var screen = RedrawnLines(width: terminal.width)
        while true {
            // Stages begin one after another.
            var stages: [(name: String, status: StoreStatus, rate: Double?)] = []
            for store in try PipelineLayout.stores(of: root) {
                let status = try StoreStatus(store)
                let rate = paces[store, default: WatchPace()].add(status.done + status.failed, at: .now)
                stages.append((String(store.dropFirst(root.count + 1)), status, rate))
            }
            let isWritten = stages.contains { $0.status.writer != nil }
            if asJSON {
                for stage in stages { try output.line(stage.status.json()) }
            } else {
                let width = stages.map(\.name.count).max() ?? 0
                let lines = stages.map { stage in
                    stage.name + String(repeating: " ", count: width - stage.name.count + 2)
                        + StatusWatch.words(stage.status, stage.rate)
                }
                if terminal.isTerminal {
                    screen.width = Terminal.standardOutput().width
                    let last = isWritten ? "Ctrl-C ends the watch, not the run" : "no active writer"
                    try output.write(screen.draw(lines + [last]))
                } else {
                    let time = UTCTime(wallClockSeconds()).text
                    for line in lines { try output.line("\(time)  \(line)") }
                }
            }
            try output.flush()
            guard isWritten else { return }
            do { try await Task.sleep(for: .nanoseconds(interval.nanoseconds)) } catch { return }
        }
    }
}
