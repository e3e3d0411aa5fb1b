internal import Basics

/// Decides when the next frame of progress is due, by the style's interval.
struct FrameClock: Sendable {
    /// When the last frame was drawn, or was due.
    private(set) var last: Instant?

    /// Whether a frame is due; it counts as drawn then. The first one is due at once on a terminal, elsewhere after the
    /// interval.
    mutating func isDue(_ style: ProgressStyle, at now: Instant) -> Bool {
        let interval: Interval
        switch style {
        case .none: return false
        case .line: interval = ProgressDisplay.redrawInterval
        case .plain(let every), .json(let every): interval = every
        }
        guard let last else {
            self.last = now
            return style == .line
        }
        if now - last < interval { return false }
        self.last = now
        return true
    }

    mutating func drawn(at now: Instant) { last = now }
}
