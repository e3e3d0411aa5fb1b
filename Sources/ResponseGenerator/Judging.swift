/// Answers that wait for the verifier and those that are with it. They take no slot of the window, so their number is
/// bounded here: no request goes out while it is reached. A value; it holds the tickets and counts.
struct Judging {
    /// Answers that the verifier takes at the same time; 0: there is no verifier.
    let answersMax: Int
    private var waiting = ReadyQueue()
    private(set) var underWay = 0
    /// Of the bodies of all these answers.
    private var bytes = 0
    private var failuresInRow = 0

    /// Answers that may wait for each one that is judged.
    static let waitingPerJudged = 4
    /// Answers that may wait at least.
    static let waitingMin = 256
    /// Bytes of their bodies from which no further answer is asked for.
    static let bytesMax = 64 << 20
    /// Failures of the verifier, one after the other, at which the run stops.
    static let failuresMax = 16

    init(answersMax: Int) { self.answersMax = answersMax }

    var isOn: Bool { answersMax > 0 }
    var waitingCount: Int { waiting.count }
    var isIdle: Bool { waiting.count == 0 && underWay == 0 }
    /// Whether no further answer should be asked for.
    var isFull: Bool {
        guard isOn, waiting.count + underWay > 0 else { return false }
        return bytes >= Self.bytesMax
            || waiting.count + underWay >= max(Self.waitingMin, Self.waitingPerJudged * answersMax)
    }

    mutating func append(_ ticket: Ticket) {
        bytes += ticket.heldBytes
        waiting.append([ticket])
    }

    /// The next one to be judged; nil while the verifier has all that it takes, or where none waits.
    mutating func next() -> Ticket? {
        guard underWay < answersMax, let ticket = waiting.popFirst() else { return nil }
        underWay += 1
        return ticket
    }

    /// A judgement came back. The ticket holds its answer still.
    mutating func returned(_ ticket: Ticket) {
        underWay -= 1
        bytes -= ticket.heldBytes
        assert(underWay >= 0 && bytes >= 0)
    }

    mutating func worked() { failuresInRow = 0 }

    /// The verifier failed. True when it has failed too often in a row.
    mutating func failed() -> Bool {
        failuresInRow += 1
        return failuresInRow >= Self.failuresMax
    }
}
