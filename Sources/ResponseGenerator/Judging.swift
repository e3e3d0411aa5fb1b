/// Answers that wait for the verifier and those that are with it. They take no slot of the window, so their number is
/// bounded here: no request goes out while it is reached. A value; it holds the tickets and counts.
struct Judging {
    /// Answers that the verifier takes at the same time; 0: there is no verifier.
    let answersMax: Int
    private var waiting = ReadyQueue()
    private(set) var underWay = 0
    private var failuresInRow = 0

    /// Answers that may wait for each one that is judged.
    static let waitingPerJudged = 4
    /// Answers that may wait at least.
    static let waitingMin = 256
    /// Failures of the verifier, one after the other, at which the run stops.
    static let failuresMax = 16

    init(answersMax: Int) { self.answersMax = answersMax }

    var isOn: Bool { answersMax > 0 }
    var waitingCount: Int { waiting.count }
    var isIdle: Bool { waiting.count == 0 && underWay == 0 }
    /// Whether no further answer should be asked for.
    var isFull: Bool {
        isOn && waiting.count + underWay >= max(Self.waitingMin, Self.waitingPerJudged * answersMax)
    }

    mutating func append(_ ticket: Ticket) { waiting.append([ticket]) }

    /// The next one to be judged; nil while the verifier has all that it takes, or where none waits.
    mutating func next() -> Ticket? {
        guard underWay < answersMax, let ticket = waiting.popFirst() else { return nil }
        underWay += 1
        return ticket
    }

    /// A judgement came back.
    mutating func returned() {
        underWay -= 1
        assert(underWay >= 0)
    }

    mutating func worked() { failuresInRow = 0 }

    /// The verifier failed. True when it has failed too often in a row.
    mutating func failed() -> Bool {
        failuresInRow += 1
        return failuresInRow >= Self.failuresMax
    }
}
