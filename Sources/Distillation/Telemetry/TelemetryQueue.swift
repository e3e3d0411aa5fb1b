import Dataset

/// A bounded queue of spans to send; spans that do not fit are dropped and counted. A value.
struct TelemetryQueue: Sendable {
    static let spansMax = 8192

    private(set) var waiting: [TelemetrySpan] = []
    /// Taken out, and neither sent nor dropped yet.
    private var underWay = 0
    private(set) var sent = 0
    private(set) var dropped = 0
    /// Why the first span was dropped.
    private(set) var reason = ""

    init() {}

    mutating func add(_ span: TelemetrySpan) {
        if waiting.count < Self.spansMax {
            waiting.append(span)
        } else {
            drop(1, "the collector does not keep up")
        }
    }

    /// Takes the oldest spans out; those taken before must be settled.
    mutating func take(_ count: Int) -> [TelemetrySpan] {
        let taken = Array(waiting.prefix(count))
        waiting.removeFirst(taken.count)
        underWay = taken.count
        return taken
    }

    /// The spans taken out have been sent.
    mutating func settleSent() {
        sent += underWay
        underWay = 0
    }

    /// The spans taken out will never be sent.
    mutating func settleDropped(_ why: String) {
        drop(underWay, why)
        underWay = 0
    }

    /// Drops all spans, since nothing more is sent.
    mutating func dropRest(_ why: String) {
        drop(waiting.count + underWay, why)
        (waiting, underWay) = ([], 0)
    }

    private mutating func drop(_ count: Int, _ why: String) {
        dropped += count
        if count > 0, reason.isEmpty { reason = why }
    }
}
