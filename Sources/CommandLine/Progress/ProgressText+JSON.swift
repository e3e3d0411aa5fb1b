internal import Basics
internal import JSONText

extension ProgressText {
    /// The snapshot as one JSON object. The members and their order never change; unknown numbers are null.
    public static func json(_ snapshot: ProgressSnapshot) -> String {
        let members: [(String, String)] = [
            ("event", quoted("progress")),
            ("elapsed_s", number(snapshot.elapsed.seconds)),
            ("total", snapshot.total.map(String.init) ?? "null"),
            ("done", String(snapshot.done)),
            ("failed", String(snapshot.failed)),
            ("resumed", String(snapshot.resumed)),
            ("in_flight", String(snapshot.inFlight)),
            ("retrying", String(snapshot.retrying)),
            ("rate_per_s", number(snapshot.rate)),
            ("prompt_tokens", String(snapshot.promptTokens)),
            ("completion_tokens", String(snapshot.completionTokens)),
            ("tokens_per_s", number(snapshot.tokenRate)),
            ("cost_usd", snapshot.cost.map(number) ?? "null"),
            ("remaining_s", snapshot.remaining.map { number($0.seconds) } ?? "null"),
            ("paused", quoted(snapshot.pausedReason ?? "")),
            ("note", quoted(snapshot.note)),
            ("requests_per_s", (snapshot.health?.requestRate).map(number) ?? "null"),
            ("loop_lag_ms", (snapshot.health?.loopLag.seconds).map { number($0 * 1000) } ?? "null"),
            ("cpu_cores", (snapshot.health?.cpuShare).map(number) ?? "null"),
            ("rss_bytes", (snapshot.health?.residentBytes).map(String.init) ?? "null"),
        ]
        return "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    /// As above for one of several parts, with its name as the last member.
    static func json(_ snapshot: ProgressSnapshot, stage: String) -> String {
        json(snapshot).dropLast() + ",\"stage\":\(quoted(stage))}"
    }

    /// A remark or an error among the snapshots.
    public static func json(message: String) -> String { "{\"event\":\"message\",\"text\":\(quoted(message))}" }

    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONString.append(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// JSON has no infinities.
    private static func number(_ value: Double) -> String { value.isFinite ? value.description : "null" }
}
