/// Payloads that wait for an instant, earliest first; equal instants keep the order of insertion. A value: it reads no
/// clock.
///
/// Inlinable, so that each module specialises it for its own payload.
public struct TimerHeap<Payload> {
    @usableFromInline struct Entry {
        @usableFromInline var deadline: Instant
        @usableFromInline var id: UInt64
        @usableFromInline var payload: Payload

        @inlinable init(deadline: Instant, id: UInt64, payload: Payload) {
            self.deadline = deadline
            self.id = id
            self.payload = payload
        }

        @inlinable func isBefore(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : id < other.id
        }
    }

    @usableFromInline var entries: [Entry] = []
    @usableFromInline var positions: [UInt64: Int] = [:]
    @usableFromInline var idNext: UInt64 = 0

    @inlinable public init() {}

    @inlinable public var count: Int { entries.count }
    @inlinable public var isEmpty: Bool { entries.isEmpty }
    @inlinable public var earliest: Instant? { entries.first?.deadline }

    /// Reserves a number for `insert`, so that it is known before the timer exists.
    @inlinable public mutating func reserve() -> UInt64 {
        idNext += 1
        return idNext
    }

    @inlinable public mutating func insert(_ payload: Payload, at deadline: Instant, id: UInt64) {
        precondition(positions[id] == nil, "timer \(id) is already set")
        entries.append(Entry(deadline: deadline, id: id, payload: payload))
        positions[id] = entries.count - 1
        siftUp(entries.count - 1)
    }

    /// Inserts a payload that will not be removed before its time.
    @inlinable public mutating func insert(_ payload: Payload, at deadline: Instant) {
        insert(payload, at: deadline, id: reserve())
    }

    /// Removes a timer before its time; nil if it has fired or was removed.
    @inlinable public mutating func remove(id: UInt64) -> Payload? {
        guard let position = positions[id] else { return nil }
        return take(position).payload
    }

    /// Removes the earliest timer that is due at `now`.
    @inlinable public mutating func popDue(_ now: Instant) -> (deadline: Instant, payload: Payload)? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        let entry = take(0)
        return (entry.deadline, entry.payload)
    }

    /// Removes and returns all payloads, in no particular order.
    @inlinable public mutating func removeAll() -> [Payload] {
        let payloads = entries.map(\.payload)
        entries.removeAll()
        positions.removeAll()
        return payloads
    }

    @inlinable mutating func take(_ position: Int) -> Entry {
        let last = entries.count - 1
        if position != last { exchange(position, last) }
        let entry = entries.removeLast()
        positions[entry.id] = nil
        if position < entries.count {
            siftUp(position)
            siftDown(position)
        }
        return entry
    }

    @inlinable mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].isBefore(entries[parent]) else { return }
            exchange(child, parent)
            child = parent
        }
    }

    @inlinable mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].isBefore(entries[least]) { least = child }
            }
            guard least != parent else { return }
            exchange(parent, least)
            parent = least
        }
    }

    @inlinable mutating func exchange(_ a: Int, _ b: Int) {
        entries.swapAt(a, b)
        positions[entries[a].id] = a
        positions[entries[b].id] = b
    }
}
