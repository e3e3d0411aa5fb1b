internal import Basics

/// What happened to one item.
public struct ItemTally: Sendable, Hashable {
    /// Requests for it.
    public var attempts: UInt32 = 0
    /// Answers that were handed to the network, whole or not.
    public var given: UInt32 = 0
    /// Answers that were handed over to the last byte.
    public var answered: UInt32 = 0

    /// Requests that ended without an answer that was handed over whole.
    public var refused: UInt32 { attempts - answered }
}

/// The simulator's memory: counts, and a tally of each item.
struct Ledger {
    private(set) var counts = SimulatorCounts()
    private(set) var items: [UInt64: ItemTally] = [:]
    let remembersItems: Bool
    /// Requests from before a reset are still on their way; their ends belong to no count.
    private(set) var epoch = 0

    private var second: ArrivalWindow?
    private var minute: ArrivalWindow?

    init(remembersItems: Bool, countsWindows: Bool = false) {
        self.remembersItems = remembersItems
        if countsWindows { (second, minute) = (ArrivalWindow(.seconds(1)), ArrivalWindow(.seconds(60))) }
    }

    /// A request for a completion has arrived, to its last byte.
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

    /// An answer was made, whatever becomes of it on its way.
    mutating func bill(_ receipt: Receipt) {
        counts.billed += 1
        counts.billedPromptTokens += receipt.promptTokens
        counts.billedCompletionTokens += receipt.completionTokens
        guard receipt.isFlex else { return }
        counts.flex += 1
        counts.flexPromptTokens += receipt.promptTokens
        counts.flexCompletionTokens += receipt.completionTokens
    }

    /// A response goes out with this status; `receipt` says what it answers, if it is an answer.
    mutating func give(status: Int, _ receipt: Receipt?) {
        counts.statuses[status, default: 0] += 1
        guard let receipt else { return }
        counts.given += 1
        if remembersItems { items[receipt.item, default: ItemTally()].given += 1 }
    }

    /// A request has ended. `receipt` is given if an answer was handed over to its last byte.
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

    /// Forgets everything but the connections that are open.
    mutating func reset() {
        let open = counts.connectionsOpen
        counts = SimulatorCounts()
        counts.connectionsOpen = open
        items = [:]
        epoch += 1
    }
}

/// What an answer is for, kept until it has been handed over.
struct Receipt: Hashable {
    var item: UInt64
    var promptTokens: Int
    var completionTokens: Int
    var isFlex = false
}
