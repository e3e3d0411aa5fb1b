internal import ModelAPI

/// Items with a request equal to one in progress wait here for its answer. A value; it holds the tickets and counts.
struct Twins {
    private let memory: any AnswerMemory
    /// Waiting items by request; empty if one is in progress and none waits.
    private var waiting: [ReuseKey: [Ticket]] = [:]
    /// Items whose answer is known and has to be read.
    private var recalls = ReadyQueue()
    private(set) var recallsUnderWay = 0
    private var count = 0
    /// Total bytes of the waiting items' requests.
    private var bytes = 0

    /// Maximum answers read at a time.
    static let recallsMax = 32
    /// Number of waiting items, and bytes of their requests, from which no further items are taken.
    static let waitingMax = 1 << 16
    static let bytesMax = 64 << 20

    /// The source that a twin's record names for its answer.
    static let place = "run"

    init(_ memory: any AnswerMemory) { self.memory = memory }

    /// Items that wait for an answer or for it to be read.
    var waitingCount: Int { count + recalls.count }
    var isFull: Bool { waitingCount >= Self.waitingMax || bytes >= Self.bytesMax }

    /// Takes the items that wait. Returns those that must be sent.
    mutating func admit(_ tickets: [Ticket]) -> [Ticket] {
        var asked: [Ticket] = []
        asked.reserveCapacity(tickets.count)
        for ticket in tickets {
            guard let key = ticket.reuseKey else {
                asked.append(ticket)
                continue
            }
            if waiting[key] != nil {
                waiting[key]?.append(ticket)
                count += 1
                bytes += ticket.request.body.count
                continue
            }
            waiting[key] = []
            if memory.mayKnow(key) { recalls.append([ticket]) } else { asked.append(ticket) }
        }
        return asked
    }

    mutating func nextRecall() -> Ticket? {
        guard recallsUnderWay < Self.recallsMax, let ticket = recalls.popFirst() else { return nil }
        recallsUnderWay += 1
        return ticket
    }

    mutating func recalled() { recallsUnderWay -= 1 }

    /// An item has its answer. Returns the items that share it.
    mutating func answered(_ key: ReuseKey, _ answer: ModelAnswer) -> [Ticket] {
        memory.keep(key, answer)
        guard let tickets = waiting.removeValue(forKey: key) else { return [] }
        count -= tickets.count
        bytes -= tickets.reduce(0) { $0 + $1.request.body.count }
        return tickets
    }

    /// An item has no answer. Returns the one that is sent instead.
    mutating func gaveUp(_ key: ReuseKey) -> Ticket? {
        guard let next = waiting[key]?.popLast() else {
            waiting[key] = nil
            return nil
        }
        count -= 1
        bytes -= next.request.body.count
        return next
    }
}
