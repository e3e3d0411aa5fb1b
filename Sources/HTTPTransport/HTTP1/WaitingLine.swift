/// A first-in, first-out queue from which elements may be removed anywhere.
struct WaitingLine<Element: Equatable> {
    /// Nil: removed before its turn. The first element is not nil.
    private var places: [Element?] = []
    private var first = 0
    private(set) var count = 0

    mutating func append(_ element: Element) {
        places.append(element)
        count += 1
    }

    /// The next element.
    var head: Element? { first < places.count ? places[first] : nil }

    mutating func popFirst() -> Element? {
        guard let element = head else { return nil }
        places[first] = nil
        count -= 1
        tidy()
        return element
    }

    mutating func remove(_ element: Element) {
        guard let place = places[first...].firstIndex(of: element) else { return }
        places[place] = nil
        count -= 1
        tidy()
    }

    mutating func removeAll() -> [Element] {
        defer { self = WaitingLine() }
        return places[first...].compactMap { $0 }
    }

    /// Removes the empty front.
    private mutating func tidy() {
        while first < places.count, places[first] == nil { first += 1 }
        if count == 0 {
            places.removeAll(keepingCapacity: true)
            first = 0
        } else if first > places.count / 2 {
            places.removeFirst(first)
            first = 0
        }
    }
}
