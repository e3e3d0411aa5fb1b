package import Basics
import Dataset
import ModelAPI
import RunMonitor

extension RunWatch {
    private static let slowestMax = 8

    /// The state that the page displays.
    package func pageState(at now: Instant = .now) -> [UInt8] {
        typealias Member = JSONTree.Member
        let state = snapshot
        let record = state.record
        let counts = exchanges.counts
        let slow = exchanges.slowest(Self.slowestMax, at: now)
        let isRunning = record.state == .running
        let tokenRate = state.history.samples.suffix(5).map(\.tokens)
        return JSONTree.object([
            Member("title", .text(title)), Member("version", .text(RetortVersion.text)),
            Member("state", .text(Self.word(record))), Member("note", .text(Self.note(record))),
            Member("follows", .boolean(follows)), Member("command", .text(record.command)),
            Member("model", .text(model)), Member("server", .text(server)),
            Member("started", .integer(record.started)), Member("updated", .integer(Int(wallClockSeconds()))),
            Member("items", Self.items(record)),
            Member(
                "rate",
                .object([
                    Member("items", .real(record.itemsPerSecond)),
                    Member("tokens", .real(tokenRate.isEmpty ? 0 : tokenRate.reduce(0, +) / Double(tokenRate.count))),
                ])),
            Member("elapsed", .real(record.elapsedSeconds)),
            Member("remaining", isRunning ? JSONTree(record.remainingSeconds) : .null),
            Member(
                "tokens",
                .object([
                    Member("prompt", .integer(state.usage.prompt)),
                    Member("completion", .integer(state.usage.completion)),
                ])),
            Member(
                "cost",
                .object([
                    Member("spent", JSONTree(record.cost)), Member("cap", JSONTree(state.costMax)),
                ])),
            Member(
                "window",
                .object([
                    Member("in_flight", .integer(record.inFlight)), Member("limit", .integer(record.concurrency)),
                    Member("max", .integer(record.concurrencyMax)), Member("waiting", .integer(record.waiting)),
                ])),
            Member("stages", .list(stages.map(Self.stage))),
            Member("endpoints", .list(endpoints(state, counts).map(\.tree))),
            Member("hedges", record.hedges?.tree ?? .null),
            Member("rate_limited", .integer(state.rateLimited)), Member("requests", .integer(record.requests)),
            Member("latency", Self.latency(counts.durations)), Member("codes", Self.codes(counts)),
            Member("failures", Self.failures(state)),
            Member(
                "slow",
                .list(slow.map { .object([Member("seconds", .real($0.seconds)), Member("text", .text($0.text))]) })),
            Member("answers", Self.answers(state)),
            Member("history", state.history.json(end: Int(wallClockSeconds()))),
            Member(
                "log",
                .list(
                    state.events.reversed().map {
                        .object([Member("time", .integer($0.time)), Member("text", .text($0.text))])
                    })),
        ]).line
    }

    private static func word(_ record: RunRecord) -> String {
        record.state == .running && !record.paused.isEmpty ? "paused" : record.state.rawValue
    }

    private static func note(_ record: RunRecord) -> String {
        [record.paused, record.reason, record.lastError].first { !$0.isEmpty } ?? ""
    }

    /// The servers. If there is only one, the run's values are its values.
    /// - Parameter counts: nil if they include exchanges of other runs.
    func endpoints(_ state: State, _ counts: ExchangeWatch.Counts?) -> [EndpointRecord] {
        guard stages.isEmpty else {
            return stages.flatMap { stage in
                stage.watch.endpoints(stage.watch.snapshot, nil).map { endpoint in
                    var endpoint = endpoint
                    endpoint.name = "\(stage.name): \(endpoint.name)"
                    return endpoint
                }
            }
        }
        let record = state.record
        guard record.endpoints.isEmpty, record.hasBegun, !server.isEmpty else { return record.endpoints }
        var endpoint = EndpointRecord(name: server, isDown: record.outageLeftSeconds != nil)
        (endpoint.requests, endpoint.answers) = (record.requests, max(0, record.done - record.earlier))
        (endpoint.rateLimited, endpoint.completionTokens) = (state.rateLimited, state.usage.completion)
        (endpoint.inFlight, endpoint.concurrency) = (record.inFlight, record.concurrency)
        endpoint.lastError = record.lastError
        guard let counts else { return [endpoint] }
        endpoint.failures = counts.broken.values.reduce(0, +)
        let replies = counts.durations.count
        endpoint.latencyMilliseconds = replies > 0 ? Int(counts.durations.sum / Double(replies)) : 0
        return [endpoint]
    }

    private static func stage(_ stage: Stage) -> JSONTree {
        typealias Member = JSONTree.Member
        let record = stage.watch.snapshot.record
        return .object([
            Member("name", .text(stage.name)), Member("from", .text(stage.from ?? "")),
            Member("state", .text(record.hasBegun || record.state != .running ? word(record) : "waiting")),
            Member("note", .text(note(record))), Member("items", items(record)),
            Member("rate", .real(record.state == .running ? record.itemsPerSecond : 0)),
            Member("in_flight", .integer(record.inFlight)), Member("limit", .integer(record.concurrency)),
            Member("cost", JSONTree(record.cost)),
        ])
    }

    private static func items(_ record: RunRecord) -> JSONTree {
        typealias Member = JSONTree.Member
        return .object([
            Member("total", JSONTree(record.total)), Member("done", .integer(record.done)),
            Member("failed", .integer(record.failed)), Member("pending", JSONTree(record.pending)),
            Member("earlier", .integer(record.earlier)),
        ])
    }

    private static func latency(_ durations: LogHistogram) -> JSONTree {
        func seconds(_ share: Double) -> JSONTree { JSONTree(durations.quantile(share).map { Double($0) / 1000 }) }
        return .object([
            JSONTree.Member("p50", seconds(0.5)), JSONTree.Member("p95", seconds(0.95)),
            JSONTree.Member("p99", seconds(0.99)),
        ])
    }

    private static func codes(_ counts: ExchangeWatch.Counts) -> JSONTree {
        func row(_ name: String, _ count: Int) -> JSONTree {
            .object([JSONTree.Member("code", .text(name)), JSONTree.Member("count", .integer(count))])
        }
        return .list(
            counts.codes.sorted { $0.key < $1.key }.map { row(String($0.key), $0.value) }
                + counts.broken.sorted { $0.key.rawValue < $1.key.rawValue }.map { row($0.key.rawValue, $0.value) })
    }

    private static func failures(_ state: State) -> JSONTree {
        typealias Member = JSONTree.Member
        return .list(
            state.failures.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map { name, failures in
                .object([
                    Member("class", .text(name)), Member("count", .integer(failures.count)),
                    Member("id", .text(failures.id)), Member("message", .text(failures.message)),
                ])
            })
    }

    private static func answers(_ state: State) -> JSONTree {
        typealias Member = JSONTree.Member
        return .list(
            state.answers.map { answer in
                .object([
                    Member("id", .text(answer.id)), Member("text", .text(answer.text)),
                    Member("tokens", .integer(answer.tokens)), Member("seconds", .real(answer.seconds)),
                ])
            })
    }
}
