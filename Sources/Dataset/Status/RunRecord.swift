import JSONText

/// The progress or result of a store's last run or retry, as reported by its writer: `progress.json` in the store.
///
/// Counts are of items. Unknown values are nil; texts are truncated to keep the file small.
package struct RunRecord: Sendable, Hashable {
    package enum State: String, Sendable {
        case running
        /// It finished its work.
        case ended
        /// It ended before its work was finished; `reason` says why.
        case stopped
    }

    package var state = State.running
    /// `run` or `retry`.
    package var command = "run"
    package var pid = 0
    /// Seconds since 1970.
    package var started = 0
    package var updated = 0
    package var reason = ""

    package var total: Int?
    package var done = 0
    package var failed = 0
    package var pending: Int?
    /// Outcomes of earlier runs among them.
    package var earlier = 0

    package var inFlight = 0
    package var waiting = 0
    package var nextRetrySeconds: Double?
    package var requests = 0
    /// Retried attempts by failure class.
    package var retries: [String: Int] = [:]
    package var elapsedSeconds = 0.0
    package var itemsPerSecond = 0.0
    package var remainingSeconds: Double?
    package var promptTokens = 0
    package var completionTokens = 0
    /// Dollars for all answers in the store.
    package var cost: Double?
    /// Answers of this run that were truncated at the token limit, and empty ones.
    package var truncated = 0
    package var empty = 0
    /// Answers of this run in which a value was found, by how; and invalid ones.
    package var valuesFound: [String: Int] = [:]
    package var invalid = 0
    /// Why nothing is being sent; empty if requests are sent.
    package var paused = ""
    /// How much longer an outage is waited for; nil if there is none.
    package var outageLeftSeconds: Double?
    /// The error of the latest failed request; empty once a later one has succeeded.
    package var lastError = ""
    /// Current and maximum requests in flight.
    package var concurrency = 0
    package var concurrencyMax = 0
    /// The state of each server; empty if there is one.
    package var endpoints: [EndpointRecord] = []
    /// The effect of duplicate requests; nil if none are sent.
    package var hedges: HedgeRecord?
    /// The run's settings: names and texts, without secrets.
    package var settings: [String: String] = [:]

    package init() {}

    package static let format = "retort progress"
    package static let textScalarsMax = 400

    package static func cut(_ text: String) -> String { Excerpt.text(text, textScalarsMax) }
}

extension RunRecord {
    /// One JSON object, indented.
    package var json: [UInt8] {
        typealias Member = JSONTree.Member
        func texts(_ values: [String: String]) -> JSONTree {
            .object(values.sorted { $0.key < $1.key }.map { Member($0, .text(Self.cut($1))) })
        }
        return JSONTree.object([
            Member("format", .text(Self.format)), Member("version", .integer(1)),
            Member("state", .text(state.rawValue)),
            Member("reason", .text(Self.cut(reason))), Member("command", .text(command)), Member("pid", .integer(pid)),
            Member("started", .integer(started)), Member("updated", .integer(updated)),
            Member("total", JSONTree(total)), Member("done", .integer(done)), Member("failed", .integer(failed)),
            Member("pending", JSONTree(pending)), Member("earlier", .integer(earlier)),
            Member("in_flight", .integer(inFlight)), Member("waiting", .integer(waiting)),
            Member("next_retry_s", JSONTree(nextRetrySeconds)), Member("requests", .integer(requests)),
            Member("retries", .object(retries.sorted { $0.key < $1.key }.map { Member($0, .integer($1)) })),
            Member("elapsed_s", .real(elapsedSeconds)), Member("rate_per_s", .real(itemsPerSecond)),
            Member("remaining_s", JSONTree(remainingSeconds)), Member("prompt_tokens", .integer(promptTokens)),
            Member("completion_tokens", .integer(completionTokens)), Member("cost_usd", JSONTree(cost)),
            Member("paused", .text(Self.cut(paused))), Member("last_error", .text(Self.cut(lastError))),
            Member("concurrency_now", .integer(concurrency)), Member("concurrency_max", .integer(concurrencyMax)),
            Member("truncated", .integer(truncated)), Member("empty", .integer(empty)),
            Member("values_found", ValueCounts.tree(valuesFound)), Member("invalid", .integer(invalid)),
            Member("outage_left_s", JSONTree(outageLeftSeconds)),
            Member("endpoints", .list(endpoints.map(\.tree))), Member("hedges", hedges?.tree ?? .null),
            Member("settings", texts(settings)),
        ]).text
    }

    /// Parses the file; nil for anything else. Numbers out of bounds are clamped.
    package init?(_ json: [UInt8]) {
        guard let root = try? JSONParser().parse(json).root, root["format"]?.string == Self.format,
            let state = root["state"]?.string.flatMap(State.init)
        else { return nil }
        func text(_ name: StaticString) -> String { Self.cut(root[name]?.string ?? "") }
        func count(_ name: StaticString) -> Int? { root[name]?.int.map { max(0, min($0, Self.countMax)) } }
        func number(_ name: StaticString) -> Double? {
            root[name]?.double.flatMap { $0.isFinite ? max(0, min($0, Double(Self.countMax))) : nil }
        }
        self.state = state
        (reason, command, paused, lastError) = (text("reason"), text("command"), text("paused"), text("last_error"))
        (pid, started, updated) = (count("pid") ?? 0, count("started") ?? 0, count("updated") ?? 0)
        (total, done, failed, pending) = (count("total"), count("done") ?? 0, count("failed") ?? 0, count("pending"))
        (earlier, inFlight, waiting) = (count("earlier") ?? 0, count("in_flight") ?? 0, count("waiting") ?? 0)
        (requests, concurrency) = (count("requests") ?? 0, count("concurrency_now") ?? 0)
        (concurrencyMax, truncated) = (count("concurrency_max") ?? 0, count("truncated") ?? 0)
        (empty, outageLeftSeconds) = (count("empty") ?? 0, number("outage_left_s"))
        invalid = count("invalid") ?? 0
        for (key, value) in (root["values_found"]?.members ?? []).prefix(Self.membersMax) {
            if let name = key.string, let number = value.int, number > 0 {
                valuesFound[Self.cut(name)] = min(number, Self.countMax)
            }
        }
        (nextRetrySeconds, remainingSeconds, cost) = (number("next_retry_s"), number("remaining_s"), number("cost_usd"))
        (elapsedSeconds, itemsPerSecond) = (number("elapsed_s") ?? 0, number("rate_per_s") ?? 0)
        (promptTokens, completionTokens) = (count("prompt_tokens") ?? 0, count("completion_tokens") ?? 0)
        for (key, value) in (root["retries"]?.members ?? []).prefix(Self.membersMax) {
            if let name = key.string, let number = value.int {
                retries[Self.cut(name)] = max(0, min(number, Self.countMax))
            }
        }
        hedges = HedgeRecord(root["hedges"])
        endpoints = (root["endpoints"]?.elements ?? []).prefix(Self.membersMax).compactMap { EndpointRecord($0) }
        for (key, value) in (root["settings"]?.members ?? []).prefix(Self.membersMax) {
            if let name = key.string, let text = value.string { settings[Self.cut(name)] = Self.cut(text) }
        }
    }

    /// More than any run counts; sums of it do not overflow.
    package static let countMax = 1 << 53
    private static let membersMax = 64
}
