/// Answers that wait for the verifier or are being judged. They occupy no slot of the window, so their number is
/// bounded here: no request is sent while the bound is reached. A value; it holds the tickets and counts.
struct Judging {
    /// Maximum answers that the verifier judges at a time; 0: there is no verifier.
    let answersMax: Int
    private var waiting = ReadyQueue()
    private(set) var underWay = 0
    /// Total bytes of these answers' bodies.
    private var bytes = 0
    private var failuresInRow = 0

    /// Maximum waiting answers per answer being judged.
    static let waitingPerJudged = 4
    /// Minimum number of answers that may wait.
    static let waitingMin = 256
    /// Total bytes of bodies from which no further request is sent.
    static let bytesMax = 64 << 20
    /// Consecutive failures of the verifier that stop the run.
    static let failuresMax = 16

    init(answersMax: Int) { self.answersMax = answersMax }

    var isOn: Bool { answersMax > 0 }
    var waitingCount: Int { waiting.count }
    var isIdle: Bool { waiting.count == 0 && underWay == 0 }
    /// Whether no further request should be sent.
    var isFull: Bool {
        guard isOn, waiting.count + underWay > 0 else { return false }
        return bytes >= Self.bytesMax
            || waiting.count + underWay >= max(Self.waitingMin, Self.waitingPerJudged * answersMax)
    }

    mutating func append(_ ticket: Ticket) {
        bytes += ticket.heldBytes
        waiting.append([ticket])
    }

    /// The next answer to judge; nil while the verifier is fully occupied, or if none waits.
    mutating func next() -> Ticket? {
        guard underWay < answersMax, let ticket = waiting.popFirst() else { return nil }
        underWay += 1
        return ticket
    }

    /// A verdict arrived. The ticket still holds its answer.
    mutating func returned(_ ticket: Ticket) {
        underWay -= 1
        bytes -= ticket.heldBytes
        assert(underWay >= 0 && bytes >= 0)
    }

    mutating func worked() { failuresInRow = 0 }

    /// The verifier failed. True after too many consecutive failures.
    mutating func failed() -> Bool {
        failuresInRow += 1
        return failuresInRow >= Self.failuresMax
    }
}
