import Basics
import ResponseGenerator

/// What the server has billed, and what the store's users were told: the truth with which the disk is compared.
struct WholeBooks: Sendable {
    /// A request that has reached the server.
    struct Request: Sendable {
        var row: Int
        /// The hash of its body.
        var body: UInt64
        var life: Int
        /// What the server bills, in nanodollars.
        var cost = 0
        /// Its maximum cost.
        var worst = 0
        /// Whether the reply states its cost.
        var isKnown = false
        /// Whether its answer, once on disk, need not be requested again.
        var isUsable = false
        /// Whether a live process has received its reply.
        var isDelivered = false
        /// Whether the store has accepted a record of it, and whether that record has been made durable since.
        var isTaken = false
        var isDurable = false
        /// Whether the last audit found a record of it.
        var isRecorded = false
        /// Whether the mark has not been set since its record was accepted.
        var isAheadOfMark = true
        /// Whether a power cut may have lost what was known of it.
        var isExcused = false
        /// Syncs that had returned when it was sent.
        var syncs = 0
    }

    var requests: [Request] = []
    var billed = 0
    var life = 0
    var syncs = 0
    /// Answers on disk by the hash of their request's body.
    var usable: [UInt64: Int] = [:]
    /// The largest cap so far; nil: none.
    var cap: Int?
    var hasLostPower = false
    /// Passes by round that the sink has accepted in this run of the process.
    var passes: [Int: Int] = [:]
    var faults: [String] = []
    /// A hash of all events.
    var trace: UInt64 = 0xCBF2_9CE4_8422_2325

    static let faultsMax = 8

    mutating func fault(_ text: String) {
        if faults.count < Self.faultsMax { faults.append("life \(life): \(text)") }
    }

    mutating func note(_ number: some BinaryInteger) {
        trace = (trace ^ UInt64(truncatingIfNeeded: number)) &* 0x0000_0100_0000_01B3
    }

    /// What was spent, certainly or possibly, and is hidden by a power cut.
    var excused: Int { requests.reduce(0) { $0 + ($1.isExcused ? $1.cost : 0) } }

    /// The sink has accepted a record of a request.
    mutating func taken(_ number: Int, isUsable: Bool) {
        guard requests.indices.contains(number) else {
            return fault("a record of request \(number), which was never sent")
        }
        if !requests[number].isDelivered { fault("a record of request \(number), whose reply never came") }
        requests[number].isTaken = true
        if isUsable, !requests[number].isUsable {
            requests[number].isUsable = true
            usable[requests[number].body, default: 0] += 1
        }
    }

    /// Everything accepted is durable.
    mutating func synced() {
        syncs += 1
        for number in requests.indices where requests[number].isTaken { requests[number].isDurable = true }
    }

    /// The power was cut: what was not durable may be lost, and may then be requested again.
    mutating func losePower() {
        hasLostPower = true
        usable = [:]
        for number in requests.indices {
            let isHidden = requests[number].isTaken || requests[number].syncs == syncs
            if isHidden, !requests[number].isRecorded { requests[number].isExcused = true }
            if requests[number].isTaken, !requests[number].isRecorded {
                (requests[number].isTaken, requests[number].isUsable) = (false, false)
            }
            if requests[number].isUsable { usable[requests[number].body, default: 0] += 1 }
        }
    }
}

/// The mark with which an answer's text names its request: `n12r7.` is the twelfth request, for row 7.
enum WholeMark {
    static func text(_ number: Int, row: Int) -> String { "n\(number)r\(row)." }

    /// Parses the last mark in a text: an answer follows the text that it answers.
    static func read(_ bytes: some Collection<UInt8>) -> (number: Int, row: Int)? {
        var found: (number: Int, row: Int)?
        var number: Int?
        var digits: Int?
        var isOfRow = false
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "n"): (number, digits, isOfRow) = (nil, 0, false)
            case UInt8(ascii: "r") where digits != nil && !isOfRow: (number, digits, isOfRow) = (digits, 0, true)
            case 0x30...0x39 where digits != nil: digits = digits! &* 10 &+ Int(byte - 0x30)
            case UInt8(ascii: "."):
                if isOfRow, let number, let digits { found = (number, digits) }
                (digits, isOfRow) = (nil, false)
            default: (digits, isOfRow) = (nil, false)
            }
        }
        return found
    }
}
