import Dataset

/// Spans that wait to be sent: so many at most, and what has no room is counted and left out. A value.
struct TelemetryQueue: Sendable {
    static let spansMax = 8192

    private(set) var waiting: [TelemetrySpan] = []
    /// Taken out and neither sent nor dropped yet.
    private var underWay = 0
    private(set) var sent = 0
    private(set) var dropped = 0
    /// What the first span that was left out met.
    private(set) var reason = ""

    init() {}

    mutating func add(_ span: TelemetrySpan) {
        if waiting.count < Self.spansMax {
            waiting.append(span)
        } else {
            drop(1, "the collector does not keep up")
        }
    }

    /// Takes the oldest spans out; what was taken before is settled.
    mutating func take(_ count: Int) -> [TelemetrySpan] {
        let taken = Array(waiting.prefix(count))
        waiting.removeFirst(taken.count)
        underWay = taken.count
        return taken
    }

    /// What was taken out has been sent.
    mutating func settleSent() {
        sent += underWay
        underWay = 0
    }

    /// What was taken out never will be sent.
    mutating func settleDropped(_ why: String) {
        drop(underWay, why)
        underWay = 0
    }

    /// Nothing more is sent.
    mutating func dropRest(_ why: String) {
        drop(waiting.count + underWay, why)
        (waiting, underWay) = ([], 0)
    }

    private mutating func drop(_ count: Int, _ why: String) {
        dropped += count
        if count > 0, reason.isEmpty { reason = why }
    }
}
