internal import Basics

/// Elements that wait for a time: a binary heap, earliest first, first in first out among equals.
struct RetryQueue<Element> {
    private var heap: [(due: Instant, order: UInt64, element: Element)] = []
    private var pushed: UInt64 = 0
    private var latest: Instant?

    var count: Int { heap.count }
    var isEmpty: Bool { heap.isEmpty }
    var first: Element? { heap.first?.element }
    /// When the first one is due.
    var nextDue: Instant? { heap.first?.due }
    /// When the last one is due. It leaves last, so it is here as long as any is.
    var lastDue: Instant? { heap.isEmpty ? nil : latest }

    mutating func push(_ element: Element, due: Instant) {
        latest = heap.isEmpty ? due : latest.map { max($0, due) } ?? due
        heap.append((due, pushed, element))
        pushed += 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The first element if its time has come.
    mutating func popDue(at now: Instant) -> Element? {
        guard let first = heap.first, first.due <= now else { return nil }
        return popFirst()
    }

    /// The first element, due or not.
    mutating func popFirst() -> Element? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last.element }
        heap[0] = last
        sink()
        return first.element
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, isBefore(child + 1, child) { child += 1 }
            guard isBefore(child, parent) else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        heap[a].due != heap[b].due ? heap[a].due < heap[b].due : heap[a].order < heap[b].order
    }
}
