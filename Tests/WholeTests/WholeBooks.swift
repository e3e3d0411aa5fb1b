import Basics
import ResponseGenerator

/// What the server has billed, and what the store's users were told: the truth that the disk is held against.
struct WholeBooks: Sendable {
    /// A request that has reached the server.
    struct Request: Sendable {
        var row: Int
        /// The hash of its body.
        var body: UInt64
        var life: Int
        /// What the server bills, in nanodollars.
        var cost = 0
        /// The most that it may have cost.
        var worst = 0
        /// Whether the reply says what it cost.
        var isKnown = false
        /// Whether nothing has to be asked again once its answer is on disk.
        var isUsable = false
        /// Whether a living process has its reply.
        var isDelivered = false
        /// Whether the store has said that a record of it is taken, and whether that has been made durable since.
        var isTaken = false
        var isDurable = false
        /// Whether records were found to have it, at the last audit.
        var isRecorded = false
        /// Whether the mark has not been set since its record was taken.
        var isAheadOfMark = true
        /// Whether a power cut may have taken what was known of it.
        var isExcused = false
        /// Syncs that had returned when it was sent.
        var syncs = 0
    }

    var requests: [Request] = []
    var billed = 0
    var life = 0
    var syncs = 0
    /// Answers on disk by the hash of the body that asked for them.
    var usable: [UInt64: Int] = [:]
    /// The largest cap that was given so far; nil: none.
    var cap: Int?
    var hasLostPower = false
    /// Passes by round that the sink has taken in this life.
    var passes: [Int: Int] = [:]
    var faults: [String] = []
    /// A hash of all that has happened.
    var trace: UInt64 = 0xCBF2_9CE4_8422_2325

    static let faultsMax = 8

    mutating func fault(_ text: String) {
        if faults.count < Self.faultsMax { faults.append("life \(life): \(text)") }
    }

    mutating func note(_ number: some BinaryInteger) {
        trace = (trace ^ UInt64(truncatingIfNeeded: number)) &* 0x0000_0100_0000_01B3
    }

    /// What is spent for certain or perhaps beside what a power cut has hidden.
    var excused: Int { requests.reduce(0) { $0 + ($1.isExcused ? $1.cost : 0) } }

    /// The sink has taken a record of a request.
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

    /// All that was taken is durable.
    mutating func synced() {
        syncs += 1
        for number in requests.indices where requests[number].isTaken { requests[number].isDurable = true }
    }

    /// The power was cut: what was not durable may be gone, and then it may be asked again.
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

/// The mark by which an answer's text names its request: `n12r7.`, the twelfth request, for row 7.
enum WholeMark {
    static func text(_ number: Int, row: Int) -> String { "n\(number)r\(row)." }

    /// Of the last mark in a text: answers come behind what they answer.
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
