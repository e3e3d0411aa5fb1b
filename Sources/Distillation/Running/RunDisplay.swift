package import Basics
package import CommandLine
import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// Draws the progress of a run or a retry, at most a few times per second. The caller supplies the counts, which differ
/// between the two.
package final class RunDisplay: Sendable {
    private let messages: MessageStream
    private let store: RecordStore
    private let meter: HealthMeter
    private let drawn = Locked(Instant(nanoseconds: 0))

    /// Minimum interval between two drawings.
    package static let drawInterval = Interval.milliseconds(100)

    package init(_ messages: MessageStream, store: RecordStore, meter: HealthMeter) {
        self.messages = messages
        self.store = store
        self.meter = meter
    }

    /// Draws, unless it was drawn a moment ago.
    package func show(_ progress: Progress, _ counts: (inout ProgressSnapshot) -> Void) {
        let now = Instant.now
        let isDue = drawn.withLock { last in
            guard now - last >= Self.drawInterval else { return false }
            last = now
            return true
        }
        if isDue { messages.show(snapshot(progress, at: now, counts), now: now) }
    }

    /// Draws the final state, which stays on screen.
    package func finish(_ progress: Progress, _ counts: (inout ProgressSnapshot) -> Void) {
        messages.finish(snapshot(progress, at: .now, counts), now: .now)
    }

    private func snapshot(
        _ progress: Progress, at now: Instant, _ counts: (inout ProgressSnapshot) -> Void
    ) -> ProgressSnapshot {
        var snapshot = ProgressSnapshot(
            inFlight: progress.inFlight, retrying: progress.waiting, rate: progress.itemsPerSecond,
            promptTokens: progress.usage.prompt, completionTokens: progress.usage.completion,
            elapsed: progress.elapsed, note: Self.note(progress),
            pausedReason: Self.pausedReason(progress, trouble: store.trouble))
        let seconds = progress.elapsed.seconds
        if seconds > 0 { snapshot.tokenRate = Double(progress.usage.completion) / seconds }
        snapshot.health = meter.read(requests: progress.requests, at: now)
        counts(&snapshot)
        snapshot.remaining = snapshot.total.flatMap { progress.timeLeft(items: $0 - snapshot.settled) }
        return snapshot
    }

    /// What the last items wait for, how far the window is reduced, and the latest failure.
    package static func note(_ progress: Progress) -> String {
        var parts: [String] = []
        if progress.judged > 0 { parts.append(judged(progress)) }
        if progress.waiting > 0 {
            let classes = progress.waitingByClass.filter { $0.value > 0 }.map { "\($0.value) \($0.key.rawValue)" }
            let due = progress.nextRetryIn.map { ", next in \(Human.duration($0))" } ?? ""
            parts.append("retry waits: \(classes.sorted().joined(separator: ", "))\(due)")
        }
        if let oldest = progress.oldestInFlight, oldest > .seconds(1) {
            parts.append("waiting for \(progress.inFlight) requests, the oldest for \(Human.duration(oldest))")
        }
        if progress.hold == .none || progress.hold == .rateLimit {
            if progress.concurrency > 0, progress.concurrency < progress.concurrencyMax {
                parts.append("window \(progress.concurrency) of \(progress.concurrencyMax)")
            }
            let serving = progress.endpoints.count { $0.state == .up }
            if serving < progress.endpoints.count {
                parts.append("\(serving) of \(progress.endpoints.count) servers up")
            }
            if let error = progress.lastError {
                parts.append("last error: \(CellWidth.truncated(CellWidth.sanitized(error), to: errorCellsMax))")
            }
        }
        return parts.joined(separator: "; ")
    }

    /// `judged 120, 63 passed (51 in round 1, 12 in round 2), 4 with the verifier`
    private static func judged(_ progress: Progress) -> String {
        var text = "judged \(Human.count(progress.judged)), \(Human.count(progress.passed)) passed"
        let rounds = progress.passedInRound.sorted { $0.key < $1.key }
        if rounds.contains(where: { $0.key > 1 }) {
            let shown = rounds.prefix(roundsShownMax).map { "\(Human.count($0.value)) in round \($0.key)" }
            text += " (" + shown.joined(separator: ", ") + (rounds.count > shown.count ? ", ..." : "") + ")"
        }
        if progress.judging > 0 { text += ", \(Human.count(progress.judging)) with the verifier" }
        return text
    }

    /// Maximum rounds in the progress line.
    private static let roundsShownMax = 4
    /// Maximum width of an error in the progress line.
    private static let errorCellsMax = 80

    /// Why no requests are being sent; nil if they are.
    package static func pausedReason(_ progress: Progress, trouble: RetortError?) -> String? {
        if let trouble { return trouble.message }
        return switch progress.hold {
        case .none, .draining: nil
        case .paused: "paused by the user"
        case .rateLimit: "rate limit"
        case .rateLimited: outage("every request is rate-limited", progress)
        case .serverDown:
            outage(progress.hasReached ? "the server is down" : "no server has answered yet", progress)
        case .refused: progress.lastError.map { "every request is refused: \($0)" } ?? "every request is refused"
        case .verifier: "the verifier does not keep up"
        case .budget: "the rest of the budget is set aside for what is in flight"
        case .sinkPressed: "the disk does not keep up"
        case .outOfSpace: "no space left on the disk"
        }
    }

    /// The problem, the last probe's error, and how long it continues.
    private static func outage(_ what: String, _ progress: Progress) -> String {
        let cause = progress.lastError.map { ": \($0)" } ?? ""
        return what + cause + (progress.outageLeft.map { "; trying for another \(Human.duration($0))" } ?? "")
    }
}
