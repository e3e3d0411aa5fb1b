internal import Basics

/// Counts the maximum arrivals within any time span of one length, wherever the span begins. Exact, at eight bytes per
/// arrival.
struct ArrivalWindow {
    let length: Interval
    private(set) var most = 0
    /// Arrivals of the last span, in order; those before `first` are outside it.
    private var times: [Instant] = []
    private var first = 0

    /// Maximum arrivals kept: 32 MiB. Counts do not exceed it.
    static let arrivalsMax = 4 << 20

    init(_ length: Interval) { self.length = length }

    /// Records an arrival. Arrivals come in order of time.
    mutating func note(_ now: Instant) {
        while first < times.count, now - times[first] >= length || times.count - first >= Self.arrivalsMax {
            first += 1
        }
        if first > 1024, first * 2 > times.count {
            times.removeFirst(first)
            first = 0
        }
        times.append(now)
        most = max(most, times.count - first)
    }
}
