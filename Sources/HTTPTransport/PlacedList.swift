/// An element that knows its index in a `PlacedList`, and is in at most one.
protocol Placed: AnyObject {
    var position: Int { get set }
}

/// Elements in no order, each removable without a search.
struct PlacedList<Element: Placed> {
    private(set) var elements: [Element] = []

    mutating func append(_ element: Element) {
        element.position = elements.count
        elements.append(element)
    }

    /// The last element moves to the freed place.
    mutating func remove(_ element: Element) {
        let last = elements.removeLast()
        guard last !== element else { return }
        elements[element.position] = last
        last.position = element.position
    }

    mutating func removeAll() { elements.removeAll() }
}
