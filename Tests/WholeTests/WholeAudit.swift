import Basics
import JSONText
import ModelAPI
import SegmentStore
import TestSupport

@testable import Dataset
@testable import Distillation
@testable import Reporting
@testable import RetortCommands
@testable import Serving

/// Compares a disk with the books: after each crash, and at each end.
struct WholeAudit {
    let plan: WholePlan
    /// Whether the last process crashed, and by a power cut.
    let died: Bool
    let lostPower: Bool
    private let parser = JSONParser()
    private var books: WholeBooks
    private var recorded: Set<Int> = []
    private var outcomes: Set<RecordKey> = []
    private(set) var failures = 0
    private var rounds: [RecordKey: Set<UInt32>] = [:]
    private var verdicts: [(key: RecordKey, round: UInt32)] = []

    init(_ plan: WholePlan, _ books: WholeBooks, died: Bool, lostPower: Bool) {
        (self.plan, self.books, self.died, self.lostPower) = (plan, books, died, lostPower)
    }

    /// Items without an outcome.
    var pending: Int { plan.rows * plan.samples - outcomes.count }

    /// Reads the whole store. Returns the books with what was found.
    mutating func run(_ reader: StoreReader) throws -> WholeBooks {
        for lane in [Lane.rounds, .responses, .failures, .verdicts] {
            var records: [StoredRecord] = []
            try reader.forEach(lane) { records.append($0) }
            for record in records { try take(record, lane) }
        }
        for number in books.requests.indices { books.requests[number].isRecorded = recorded.contains(number) }
        checkTaken()
        if lostPower { books.losePower() }
        checkRounds()
        try checkMoney(try Spending(of: reader), mark: Int(try reader.mark()))
        let counters = reader.counters
        if counters.done + counters.failed != outcomes.count {
            books.fault("counts \(counters.done)+\(counters.failed) outcomes, has \(outcomes.count)")
        }
        return books
    }

    private mutating func take(_ record: StoredRecord, _ lane: Lane) throws {
        let view = RecordView(try parser.parse(record.line).root)
        let (key, row) = (record.head.key, Int(record.head.row))
        if lane == .verdicts {
            verdicts.append((RecordKey(id: key.id, sample: key.sample), UInt32(view.integer(.judgedRound))))
            return
        }
        if case .round(let number) = key.part {
            rounds[RecordKey(id: key.id, sample: key.sample), default: []].insert(number)
        } else if !outcomes.insert(key).inserted {
            books.fault("\(key) has two outcomes")
        }
        if lane == .failures { failures += 1 }
        let text = lane == .responses ? view.token(.response) : (view.member(.body)?.raw ?? [])
        guard let mark = WholeMark.read(text) else {
            if lane == .responses {
                books.fault("\(key) has an answer to nothing: \(String(decoding: text, as: UTF8.self))")
            }
            return
        }
        if mark.row != row { books.fault("\(key) of row \(row) has the answer to row \(mark.row)") }
        checkPayment(view, lane, key, mark)
    }

    private mutating func checkPayment(
        _ view: RecordView, _ lane: Lane, _ key: RecordKey, _ mark: (number: Int, row: Int)
    ) {
        guard books.requests.indices.contains(mark.number), books.requests[mark.number].row == mark.row else {
            return books.fault("\(key) has an answer to request \(mark.number), which was never sent")
        }
        let request = books.requests[mark.number]
        // If the answer was stored until it was judged, the round states its cost.
        let isSaidTwice = lane != .rounds && view.isInRounds
        if isSaidTwice {
            // A power cut may have lost the round and kept the answer.
            if lane == .responses { recorded.insert(mark.number) }
        } else if !recorded.insert(mark.number).inserted {
            books.fault("request \(mark.number) is recorded twice, as \(key) in the \(lane)")
        }
        let wanted = request.isKnown ? request.cost : 0
        if !isSaidTwice, view.cost ?? 0 != wanted {
            books.fault("\(key) has cost \(view.cost ?? -1), not \(wanted)")
        }
        guard lane == .responses, plan.isVerified else { return }
        let verdict = (try? JSONParser().parse(view.json(.verdict)).root)?["pass"]?.bool
        if verdict != true || !WholeVerifier.passes(mark.number) { books.fault("\(key) counts, and did not pass") }
        let number = view.integer(.rounds)
        if !lostPower, !books.hasLostPower, rounds[key]?.contains(UInt32(number)) != true {
            books.fault("\(key) passed in round \(number)?")
        }
    }

    /// What the process was told to be stored is on disk.
    private mutating func checkTaken() {
        for (number, request) in books.requests.enumerated() where !request.isRecorded {
            if lostPower ? request.isDurable : request.isTaken {
                books.fault("request \(number) was taken, and no record has it")
            }
            // A process that ended normally has recorded everything that it received with a known cost.
            if !died, request.life == books.life, request.isDelivered, request.isKnown {
                books.fault("request \(number) was answered at \(request.cost), and no record says so")
            }
        }
    }

    private mutating func checkRounds() {
        for (key, numbers) in rounds where numbers.max() != UInt32(numbers.count) {
            books.fault("\(key) has the rounds \(numbers.sorted())")
        }
        // A power cut may lose a round and keep its verdict.
        for verdict in verdicts where !books.hasLostPower && rounds[verdict.key]?.contains(verdict.round) != true {
            books.fault("a verdict on round \(verdict.round) of \(verdict.key), of which there is none")
        }
    }

    private mutating func checkMoney(_ spending: Spending, mark: Int) throws {
        let sum = recorded.reduce(0) { $0 + (books.requests[$1].isKnown ? books.requests[$1].cost : 0) }
        // What is stated twice is subtracted, also if a power cut has lost one of the records.
        let isExact = !plan.isVerified || !books.hasLostPower
        if isExact ? spending.recorded != sum : spending.recorded > sum {
            books.fault("the books say \(spending.recorded), the records \(sum)")
        }
        if spending.recorded > books.billed { books.fault("recorded \(spending.recorded), billed \(books.billed)") }
        guard let cap = books.cap else { return }
        if books.billed - books.excused > sum + spending.uncertainMax {
            books.fault(
                "billed \(books.billed), recorded \(spending.recorded), the mark is \(mark), \(books.excused) excused")
        }
        // Between a record and the lowering of the mark its cost counts twice.
        let twice = recorded.reduce(0) { $0 + (books.requests[$1].isAheadOfMark ? books.requests[$1].cost : 0) }
        if !books.hasLostPower, spending.recorded + spending.uncertainMax > cap + twice {
            books.fault("recorded \(spending.recorded) and a mark of \(mark) are above the cap of \(cap)")
        }
        // The uncertain cost is not more than what was lost: at rest, nothing is in flight.
        guard !died, !books.hasLostPower else { return }
        let lost = books.requests.reduce(0) { sum, request in
            request.isRecorded && request.isKnown ? sum : sum + request.worst
        }
        let unsent = books.life * plan.concurrency * plan.worst
        if spending.uncertainMax > lost + unsent { books.fault("the mark is \(mark), and \(lost) may be lost") }
    }
}
