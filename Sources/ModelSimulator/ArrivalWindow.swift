internal import Basics

/// The most arrivals in any stretch of time of one length, wherever it begins. Exact, at eight bytes an arrival.
struct ArrivalWindow {
    let length: Interval
    private(set) var most = 0
    /// Of the last stretch, in order; those before `first` are out of it.
    private var times: [Instant] = []
    private var first = 0

    /// Arrivals that are kept: 32 MiB. In a stretch with more the count ends there.
    static let arrivalsMax = 4 << 20

    init(_ length: Interval) { self.length = length }

    /// Takes the next arrival; they come in order of time.
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
