import Basics

/// A binary heap of things that are due at a time, the earliest first.
struct TimerHeap<Element> {
    private var entries: [(due: Instant, element: Element)] = []

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var next: Instant? { entries.first?.due }

    mutating func insert(_ element: Element, due: Instant) {
        entries.append((due, element))
        var at = entries.count - 1
        while at > 0 {
            let parent = (at - 1) / 2
            guard entries[at].due < entries[parent].due else { break }
            entries.swapAt(at, parent)
            at = parent
        }
    }

    /// Takes out the earliest element if it is due at `now`.
    mutating func popDue(at now: Instant) -> Element? {
        guard let first = entries.first, first.due <= now else { return nil }
        return popFirst()
    }

    /// Takes out the earliest element, due or not.
    mutating func popFirst() -> Element? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return first.element
    }

    private mutating func sink() {
        var at = 0
        while true {
            var least = at
            for child in [2 * at + 1, 2 * at + 2] where child < entries.count && entries[child].due < entries[least].due
            {
                least = child
            }
            guard least != at else { return }
            entries.swapAt(at, least)
            at = least
        }
    }
}
