public import Basics
internal import SegmentStore

/// Finds the position before which every handed-out item has its outcome. A value: it reads nothing.
public struct PositionTrail: Sendable {
    private struct Stretch {
        /// Items in progress that come from before `end`.
        var items: [Hash128] = []
        /// Nil for the last stretch, which is not complete.
        var end: SourcePosition?
    }

    private var stretches = [Stretch()]
    /// Number of stretches from which those without items in progress are joined.
    private static let stretchesMax = 256

    public init() {}

    /// Notes the items of the current row that are sent.
    public mutating func handOut(_ items: some Sequence<Hash128>) {
        stretches[stretches.count - 1].items.append(contentsOf: items)
    }

    /// All rows so far are from before `position`, and the following ones from after it.
    public mutating func pass(_ position: SourcePosition) {
        stretches[stretches.count - 1].end = position
        stretches.append(Stretch())
    }

    /// Removes items that are no longer in progress. Returns the last position without any before it; nil if that has
    /// not changed since the last call.
    public mutating func advance(isOnItsWay: (Hash128) -> Bool) -> SourcePosition? {
        var found: SourcePosition?
        var kept: [Stretch] = []
        for (number, stretch) in stretches.enumerated() {
            var stretch = stretch
            stretch.items.removeAll { !isOnItsWay($0) }
            let isLast = number == stretches.count - 1
            if stretch.items.isEmpty, !isLast {
                // Nothing before it is missing, so it joins what is done or the previous stretch.
                if kept.isEmpty { found = stretch.end } else { kept[kept.count - 1].end = stretch.end }
                continue
            }
            kept.append(stretch)
        }
        stretches = kept
        return found
    }

    /// Whether `advance` should be called now to bound memory.
    public var isLong: Bool { stretches.count > Self.stretchesMax }
}
