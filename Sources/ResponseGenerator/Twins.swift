internal import ModelAPI

/// Items that ask what another one asks wait here for its answer. A value; it holds the tickets and counts.
struct Twins {
    private let memory: any AnswerMemory
    /// Who waits, by what is asked; empty where one is asked and none waits.
    private var waiting: [ReuseKey: [Ticket]] = [:]
    /// Those whose answer is known and has to be fetched.
    private var recalls = ReadyQueue()
    private(set) var recallsUnderWay = 0
    private var count = 0
    /// Of the requests of those that wait.
    private var bytes = 0

    /// Answers that are fetched at the same time.
    static let recallsMax = 32
    /// Items that may wait, and bytes of their requests, before no further items are taken.
    static let waitingMax = 1 << 16
    static let bytesMax = 64 << 20

    /// What a twin's answer is said to be taken from.
    static let place = "run"

    init(_ memory: any AnswerMemory) { self.memory = memory }

    /// Items that wait for an answer or for its fetching.
    var waitingCount: Int { count + recalls.count }
    var isFull: Bool { waitingCount >= Self.waitingMax || bytes >= Self.bytesMax }

    /// Takes those that wait. Returns those that are to be asked.
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

    /// An item has its answer. Returns those that have it too.
    mutating func answered(_ key: ReuseKey, _ answer: ModelAnswer) -> [Ticket] {
        memory.keep(key, answer)
        guard let tickets = waiting.removeValue(forKey: key) else { return [] }
        count -= tickets.count
        bytes -= tickets.reduce(0) { $0 + $1.request.body.count }
        return tickets
    }

    /// An item has no answer. Returns the one that is asked in its place.
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
