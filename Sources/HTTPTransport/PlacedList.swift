/// Something that knows its place in a `PlacedList`, and is in one at most.
protocol Placed: AnyObject {
    var position: Int { get set }
}

/// Elements in no order, each of which leaves without being searched for.
struct PlacedList<Element: Placed> {
    private(set) var elements: [Element] = []

    mutating func append(_ element: Element) {
        element.position = elements.count
        elements.append(element)
    }

    /// The last one takes the place of the one that leaves.
    mutating func remove(_ element: Element) {
        let last = elements.removeLast()
        guard last !== element else { return }
        elements[element.position] = last
        last.position = element.position
    }

    mutating func removeAll() { elements.removeAll() }
}
