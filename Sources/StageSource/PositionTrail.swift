public import Basics
internal import SegmentStore

/// Finds the position before which every item that was handed out has its outcome. A value: it reads nothing.
public struct PositionTrail: Sendable {
    private struct Stretch {
        /// Items on their way that come from before `end`.
        var items: [Hash128] = []
        /// Nil for the last stretch, which is not complete.
        var end: SourcePosition?
    }

    private var stretches = [Stretch()]
    /// Stretches from which those without items on their way are joined.
    private static let stretchesMax = 256

    public init() {}

    /// Items of the row in hand that are sent.
    public mutating func handOut(_ items: some Sequence<Hash128>) {
        stretches[stretches.count - 1].items.append(contentsOf: items)
    }

    /// All rows so far come from before `position`, and those to come from behind it.
    public mutating func pass(_ position: SourcePosition) {
        stretches[stretches.count - 1].end = position
        stretches.append(Stretch())
    }

    /// Forgets items that are not on their way any more. Gives the last position without one before it; nil where that
    /// is the one given last.
    public mutating func advance(isOnItsWay: (Hash128) -> Bool) -> SourcePosition? {
        var found: SourcePosition?
        var kept: [Stretch] = []
        for (number, stretch) in stretches.enumerated() {
            var stretch = stretch
            stretch.items.removeAll { !isOnItsWay($0) }
            let isLast = number == stretches.count - 1
            if stretch.items.isEmpty, !isLast {
                // Nothing before it is missing: it joins what is done, or the stretch before it.
                if kept.isEmpty { found = stretch.end } else { kept[kept.count - 1].end = stretch.end }
                continue
            }
            kept.append(stretch)
        }
        stretches = kept
        return found
    }

    /// Whether it would be well to call `advance`, so that memory is bounded by what is on its way.
    public var isLong: Bool { stretches.count > Self.stretchesMax }
}
