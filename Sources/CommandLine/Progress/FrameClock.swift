internal import Basics

/// When the next frame of progress is due, by the time that its style keeps between two of them.
struct FrameClock: Sendable {
    /// When the last frame was drawn, or could have been.
    private(set) var last: Instant?

    /// Whether it is time for a frame, which counts as drawn then. The first comes at once on a terminal, after the
    /// interval elsewhere.
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
