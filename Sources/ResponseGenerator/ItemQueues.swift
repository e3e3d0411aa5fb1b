internal import Basics

/// Tickets that were never sent, first in, first out. Releases them at once when they are taken.
struct ReadyQueue {
    private var tickets: [Ticket?] = []
    private var head = 0

    var count: Int { tickets.count - head }
    var first: Ticket? { head < tickets.count ? tickets[head] : nil }

    mutating func append(_ batch: [Ticket]) {
        if head * 2 > tickets.count {
            tickets.removeFirst(head)
            head = 0
        }
        // Not `append(contentsOf:)`, which makes optionals of the tickets through the runtime.
        for ticket in batch { tickets.append(ticket) }
    }

    mutating func popFirst() -> Ticket? {
        guard let ticket = first else { return nil }
        tickets[head] = nil
        head += 1
        if head == tickets.count {
            tickets.removeAll(keepingCapacity: true)
            head = 0
        }
        return ticket
    }
}

/// Tickets in flight, in no order: each knows its index, so removal takes constant time.
struct Flights {
    private var tickets: [Ticket] = []

    var count: Int { tickets.count }

    /// When the oldest one was sent. Scans all of them.
    var oldestDispatch: Instant? { tickets.lazy.map(\.dispatchedAt).min() }

    mutating func insert(_ ticket: Ticket, at now: Instant) {
        ticket.dispatchedAt = now
        ticket.place = tickets.count
        tickets.append(ticket)
    }

    /// Replaces a duplicate by its item; the duplicate is the item's only request in flight.
    mutating func replace(_ duplicate: Ticket, by item: Ticket) {
        assert(tickets[duplicate.place] === duplicate)
        tickets[duplicate.place] = item
        item.place = duplicate.place
    }

    mutating func remove(_ ticket: Ticket) {
        assert(tickets[ticket.place] === ticket)
        let last = tickets.removeLast()
        if last === ticket { return }
        last.place = ticket.place
        tickets[ticket.place] = last
    }
}
