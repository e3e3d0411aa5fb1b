public import Basics

/// Decides when progress is drawn, and what to write. A value without clock or I/O: time comes in, and the text to
/// write goes out (empty if there is nothing to write).
public struct ProgressDisplay: Sendable {
    private let style: ProgressStyle
    private let palette: Palette
    /// The terminal's width in cells; may change between frames.
    public var width: Int
    /// The line on the terminal, without its newline; empty if there is none.
    private var standing = ""
    private var frames = FrameClock()
    /// If set, the number of items between two frames of `plain` and `json`, instead of an interval.
    private let itemsEvery: Int?
    private var lastItems = 0

    /// A terminal is redrawn at most ten times a second.
    public static let redrawInterval = Interval.milliseconds(100)
    private static let clear = "\r\u{1B}[K"

    /// - Parameter itemsEvery: for `plain` and `json`, the number of outcomes between two frames; nil: the style's
    ///   interval.
    public init(_ style: ProgressStyle, width: Int, palette: Palette, itemsEvery: Int? = nil) {
        self.itemsEvery = itemsEvery
        self.style = style
        self.width = width
        self.palette = palette
    }

    /// The next frame, if it is due. The first one is due at once on a terminal, elsewhere after the interval.
    public mutating func update(_ snapshot: ProgressSnapshot, now: Instant) -> String {
        guard isDue(snapshot, now) else { return "" }
        return draw(snapshot)
    }

    /// The last frame, due or not, and the end of the line.
    public mutating func finish(_ snapshot: ProgressSnapshot, now: Instant) -> String {
        frames.drawn(at: now)
        let frame = draw(snapshot)
        guard style == .line else { return frame }
        let text = Self.clear + standing + "\n"
        standing = ""
        return text
    }

    /// A line of other output: it replaces the progress line, which is redrawn below it. Among JSON objects it is
    /// written as one.
    public mutating func message(_ line: String) -> String {
        if case .json = style { return ProgressText.json(message: line) + "\n" }
        return standing.isEmpty ? line + "\n" : Self.clear + line + "\n" + standing
    }

    private mutating func isDue(_ snapshot: ProgressSnapshot, _ now: Instant) -> Bool {
        if let itemsEvery, style != .line, style != .none {
            let items = snapshot.done + snapshot.failed
            guard frames.last != nil else {
                frames.drawn(at: now)
                lastItems = items
                return false
            }
            guard items - lastItems >= itemsEvery else { return false }
            lastItems = items - items % itemsEvery
            return true
        }
        return frames.isDue(style, at: now)
    }

    private mutating func draw(_ snapshot: ProgressSnapshot) -> String {
        switch style {
        case .none: return ""
        case .plain: return ProgressText.plain(snapshot) + "\n"
        case .json: return ProgressText.json(snapshot) + "\n"
        case .line:
            let line = ProgressText.line(snapshot, width: width, palette: palette)
            if line == standing { return "" }
            standing = line
            return Self.clear + line
        }
    }
}
