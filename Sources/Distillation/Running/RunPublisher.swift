package import Basics
import CommandLine
package import Dataset
import Glibc
import HTTPTransport
import ModelAPI
package import ResponseGenerator
import SegmentStore

/// Reports a run's progress to other processes, at most once per second: see `RunRecord`. Any thread.
package final class RunPublisher: Sendable {
    /// Minimum interval between two reports.
    package static let interval = Interval.seconds(1)

    private let file: RunRecordFile
    private let state: Locked<(record: RunRecord, written: Instant?)>
    private let watch: RunWatch?
    private let onProgress: (@Sendable (RunRecord) -> Void)?
    private let watched = Locked<(at: Instant, paused: String?)>((Instant(nanoseconds: 0), nil))

    package init(
        _ settings: RunSettings, command: String, watch: RunWatch? = nil,
        onProgress: (@Sendable (RunRecord) -> Void)? = nil
    ) {
        self.onProgress = onProgress
        self.watch = watch
        file = RunRecordFile(in: settings.out)
        var record = RunRecord()
        record.command = command
        record.pid = Int(getpid())
        record.started = Int(wallClockSeconds())
        record.settings = settings.described
        state = Locked((record, nil))
    }

    /// Publishes, unless it was done a moment ago.
    package func update(_ progress: Progress, paused: String?, cost: Double?, _ counts: () -> RunStanding) {
        let now = Instant.now
        let isDue = state.withLock { state in
            if let written = state.written, now - written < Self.interval { return false }
            state.written = now
            return true
        }
        if isDue { publish(progress, paused: paused, cost: cost, counts()) }
        if let watch { show(progress, paused: paused, cost: cost, to: watch, at: now, counts) }
    }

    /// Updates the page, more often than the file is written.
    private func show(
        _ progress: Progress, paused: String?, cost: Double?, to watch: RunWatch, at now: Instant,
        _ counts: () -> RunStanding
    ) {
        let isDue = watched.withLock { last in
            guard now - last.at >= RunWatch.updateInterval || last.paused != paused else { return false }
            last = (now, paused)
            return true
        }
        guard isDue else { return }
        var record = state.withLock { $0.record }
        record.note(progress, counts())
        (record.paused, record.cost) = (paused ?? "", cost)
        watch.update(progress, record)
    }

    private func publish(_ progress: Progress, paused: String?, cost: Double?, _ standing: RunStanding) {
        let record = state.withLock { state in
            state.record.note(progress, standing)
            (state.record.paused, state.record.cost) = (paused ?? "", cost)
            return state.record
        }
        file.write(record)
        onProgress?(record)
    }

    /// Publishes the result; nothing is published afterwards.
    package func end(_ result: RunResult) {
        let record = state.withLock { state in
            state.record.note(result.summary.progress, result.standing)
            state.record.end(result)
            return state.record
        }
        file.write(record)
        onProgress?(record)
        watch?.end(record, result.summary.progress)
    }
}

extension RunRecord {
    package mutating func note(_ progress: Progress, _ standing: RunStanding) {
        updated = Int(wallClockSeconds())
        (total, done, failed, pending) = (standing.total, standing.done, standing.failed, standing.pending)
        earlier = standing.earlier
        (inFlight, waiting, requests) = (progress.inFlight, progress.waiting, progress.requests)
        (concurrency, concurrencyMax) = (progress.concurrency, progress.concurrencyMax)
        (truncated, empty) = (progress.truncated, progress.empty)
        (valuesFound, invalid) = (progress.valuesFound, progress.failures[.invalidOutput] ?? 0)
        lastError = progress.lastError ?? ""
        endpoints = progress.endpoints.map { EndpointRecord($0) }
        hedges = progress.hedges.map(HedgeRecord.init)
        outageLeftSeconds = progress.outageLeft?.seconds
        nextRetrySeconds = progress.nextRetryIn?.seconds
        retries = Dictionary(uniqueKeysWithValues: progress.retries.filter { $0.value > 0 }.map { ($0.rawValue, $1) })
        (elapsedSeconds, itemsPerSecond) = (progress.elapsed.seconds, progress.itemsPerSecond)
        (promptTokens, completionTokens) = (progress.usage.prompt, progress.usage.completion)
        remainingSeconds = pending.flatMap { progress.timeLeft(items: $0)?.seconds }
    }

    package mutating func end(_ result: RunResult) {
        (inFlight, remainingSeconds, nextRetrySeconds, outageLeftSeconds, paused) = (0, nil, nil, nil, "")
        cost = result.spending.dollars
        // The rate of the last seconds, when only the last items are waited for, says little about the whole run.
        let ended = done + failed - earlier
        itemsPerSecond = elapsedSeconds > 0 ? Double(max(0, ended)) / elapsedSeconds : 0
        if result.wasInterrupted {
            (state, reason) = (.stopped, "interrupted")
        } else if let error = result.summary.error {
            (state, reason) = (.stopped, error.description)
        } else {
            let isDone = result.summary.ending == .completed
            (state, reason) = isDone ? (.ended, "") : (.stopped, "ended by retort ctl")
        }
    }
}

extension RunSettings {
    /// Settings that affect how a run proceeds but not what it sends: names and texts, without secrets.
    package var described: [String: String] {
        var texts = [
            "concurrency": generator.isConcurrencyAutomatic ? "auto" : String(generator.concurrency),
            "attempts": String(generator.attemptsMax), "timeout": Human.duration(timeouts.total),
        ]
        texts["rps"] = generator.limits.requestsPerSecond.map { Human.fixed($0, 3) }
        texts["rpm"] = generator.limits.requestsPerMinute.map { Human.fixed($0, 2) }
        texts["tpm"] = generator.limits.tokensPerMinute.map { Human.fixed($0, 0) }
        texts["hedge"] = generator.hedging.map {
            "p\(Human.fixed($0.quantile * 100, 1)) within \(Human.fixed($0.budgetShare * 100, 1))% of requests"
        }
        texts["throttle"] = generator.limits.spacing.map(Human.duration)
        texts["max_cost"] = pricing.limit.map { Human.dollars(Money.dollars($0)) }
        if let price = pricing.price, price != .free {
            texts["prices"] =
                "\(Human.dollars(price.input)) in, \(Human.dollars(price.cachedInput)) cached, "
                + "\(Human.dollars(price.output)) out per million tokens"
        }
        texts["template_file"] = templateName
        texts["base_url"] = simulator == nil ? ServerNote.withoutSecrets(baseURL) : "the built-in model server"
        if servers.count > 1 { texts["base_url"] = servers.map(\.text.described).joined(separator: ", ") }
        return texts
    }
}
