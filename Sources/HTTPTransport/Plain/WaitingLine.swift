/// First in, first out; whoever gives up leaves from anywhere.
struct WaitingLine<Element: Equatable> {
    /// Nil: left before its turn.
    private var places: [Element?] = []
    private var first = 0
    private(set) var count = 0

    mutating func append(_ element: Element) {
        places.append(element)
        count += 1
    }

    mutating func popFirst() -> Element? {
        while first < places.count {
            let element = places[first]
            first += 1
            guard let element else { continue }
            count -= 1
            tidy()
            return element
        }
        tidy()
        return nil
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

    /// Keeps the empty front from growing.
    private mutating func tidy() {
        if count == 0 {
            places.removeAll(keepingCapacity: true)
            first = 0
        } else if first > places.count / 2 {
            places.removeFirst(first)
            first = 0
        }
    }
}
