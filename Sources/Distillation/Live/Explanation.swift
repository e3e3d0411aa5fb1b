import Basics
import CommandLine
package import Dataset

/// Explains in a few lines what limits a run's rate.
package struct Explanation {
    private let record: RunRecord
    private let durations: LogHistogram

    /// - Parameter durations: of requests, in milliseconds; empty if they are not measured.
    package init(_ record: RunRecord, _ durations: LogHistogram) {
        self.record = record
        self.durations = durations
    }

    package var text: String { lines.joined(separator: "\n") }

    private var lines: [String] {
        var lines = [
            "\(Human.count(record.done)) done, \(Human.count(record.failed)) failed, "
                + "\(Human.rate(record.itemsPerSecond)); \(record.inFlight) in flight, "
                + "window \(record.concurrency) of \(record.concurrencyMax)"
        ]
        lines.append(bound)
        if record.waiting > 0 {
            let due = record.nextRetrySeconds.map { ", the next in \(Human.duration(.seconds($0)))" } ?? ""
            lines.append("\(Human.count(record.waiting)) items wait for a retry\(due)")
        }
        if !record.lastError.isEmpty { lines.append("last error: \(record.lastError)") }
        return lines
    }

    /// The share from which the window counts as full: counts are taken just after requests have returned.
    private static let fullShare = 0.6

    /// What limits the rate.
    private var bound: String {
        if !record.paused.isEmpty { return "nothing is sent: \(record.paused)" }
        let isFull = Double(record.inFlight) >= Self.fullShare * Double(record.concurrency)
        if record.concurrency < record.concurrencyMax, isFull {
            return "the window is below its maximum: the server answers 429 or 503, or its latency has doubled"
        }
        if isFull, record.concurrency > 0 {
            let latency = durations.quantile(0.5).map {
                " (median latency \(Human.duration(.milliseconds(Int64($0)))))"
            }
            return "the window is full: the server's latency\(latency ?? "") bounds the pace; "
                + "`set concurrency=\(record.concurrencyMax.addingSaturated(record.concurrencyMax))` allows more"
        }
        if record.settings["rps"] != nil || record.settings["rpm"] != nil || record.settings["tpm"] != nil {
            return "the window has room: a rate limit (rps, rpm, tpm) or the API's own limit bounds the pace"
        }
        return "the window has room: the input, a rate limit of the API, or the end of the items bounds the pace"
    }
}
