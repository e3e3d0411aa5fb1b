internal import Basics

/// What happened to one item.
public struct ItemTally: Sendable, Hashable {
    /// Requests for it.
    public var attempts: UInt32 = 0
    /// Answers handed to the network, complete or not.
    public var given: UInt32 = 0
    /// Answers handed over to the last byte.
    public var answered: UInt32 = 0

    /// Requests that ended without a complete answer.
    public var refused: UInt32 { attempts - answered }
}

/// The simulator's records: total counts, and a tally for each item.
struct Ledger {
    private(set) var counts = SimulatorCounts()
    private(set) var items: [UInt64: ItemTally] = [:]
    let remembersItems: Bool
    /// Increased by a reset. Requests that began in an earlier epoch are not counted when they end.
    private(set) var epoch = 0

    private var second: ArrivalWindow?
    private var minute: ArrivalWindow?

    init(remembersItems: Bool, countsWindows: Bool = false) {
        self.remembersItems = remembersItems
        if countsWindows { (second, minute) = (ArrivalWindow(.seconds(1)), ArrivalWindow(.seconds(60))) }
    }

    /// Records the arrival of a complete request for a completion.
    mutating func receive(at now: Instant) {
        counts.requests += 1
        if second != nil {
            second?.note(now)
            minute?.note(now)
            counts.mostInSecond = second?.most ?? 0
            counts.mostInMinute = minute?.most ?? 0
        }
        counts.inFlight += 1
        counts.inFlightPeak = max(counts.inFlightPeak, counts.inFlight)
    }

    /// The number of this attempt at the item, from 1.
    mutating func attempt(at item: UInt64) -> Int {
        guard remembersItems else { return counts.requests }
        let tally = items[item, default: ItemTally()].attempts + 1
        items[item, default: ItemTally()].attempts = tally
        if tally == 1 { counts.items += 1 }
        return Int(tally)
    }

    mutating func note(_ fault: Fault) { counts.faults[fault, default: 0] += 1 }

    mutating func noteBatch(requests: Int) {
        counts.batches += 1
        counts.batchRequests += requests
    }

    mutating func noteRateLimited() { counts.rateLimited += 1 }

    /// Bills an answer when it is generated, whether or not it is delivered.
    mutating func bill(_ receipt: Receipt) {
        counts.billed += 1
        counts.billedPromptTokens += receipt.promptTokens
        counts.billedCompletionTokens += receipt.completionTokens
        guard receipt.isFlex else { return }
        counts.flex += 1
        counts.flexPromptTokens += receipt.promptTokens
        counts.flexCompletionTokens += receipt.completionTokens
    }

    /// Records that a response is sent with this status; `receipt` describes the answer, if it is one.
    mutating func give(status: Int, _ receipt: Receipt?) {
        counts.statuses[status, default: 0] += 1
        guard let receipt else { return }
        counts.given += 1
        if remembersItems { items[receipt.item, default: ItemTally()].given += 1 }
    }

    /// Records the end of a request. `receipt` is given if an answer was handed over to its last byte.
    mutating func end(_ receipt: Receipt?, epoch began: Int) {
        guard began == epoch else { return }
        counts.inFlight -= 1
        guard let receipt else { return }
        counts.answered += 1
        counts.promptTokens += receipt.promptTokens
        counts.completionTokens += receipt.completionTokens
        guard remembersItems else { return }
        items[receipt.item, default: ItemTally()].answered += 1
        switch items[receipt.item]?.answered {
        case 1: counts.itemsAnswered += 1
        case 2: counts.itemsAnsweredAgain += 1
        default: break
        }
    }

    mutating func openConnection() {
        counts.connections += 1
        counts.connectionsOpen += 1
    }

    mutating func closeConnection() { counts.connectionsOpen -= 1 }

    /// Clears everything except the open connections.
    mutating func reset() {
        let open = counts.connectionsOpen
        counts = SimulatorCounts()
        counts.connectionsOpen = open
        items = [:]
        epoch += 1
    }
}

/// Describes an answer until it has been handed over.
struct Receipt: Hashable {
    var item: UInt64
    var promptTokens: Int
    var completionTokens: Int
    var isFlex = false
}
