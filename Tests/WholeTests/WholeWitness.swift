import Basics
import ModelAPI
import ResponseGenerator
import SegmentStore
import TestSupport
import Verifiers

@testable import Dataset
@testable import Distillation
@testable import Reporting
@testable import RetortCommands
@testable import Serving

/// A fault between the generator and the store that the audit must find.
enum WholeSabotage: CaseIterable, Sendable {
    /// The cost of a failure's answer is lost.
    case failureCost
    /// The mark is never set.
    case mark
    /// A batch counts as accepted when the next one is written.
    case delay
    /// An answer is recorded under another item.
    case exchange
    /// Rounds are not recorded.
    case rounds
}

/// The recorder, with a list of what it has accepted: the disk has the records, this is the process's view.
struct WholeWitness: OutcomeSink {
    let recorder: Recorder
    let books: Locked<WholeBooks>
    let files: SimulatedFileSystem
    let sabotage: WholeSabotage?
    private let delayed = Locked<[Outcome<ItemContext>]>([])

    init(_ recorder: Recorder, _ books: Locked<WholeBooks>, _ files: SimulatedFileSystem, _ sabotage: WholeSabotage?) {
        (self.recorder, self.books, self.files, self.sabotage) = (recorder, books, files, sabotage)
    }

    func accept(_ batch: [Outcome<ItemContext>]) throws(RetortError) -> SinkPressure {
        let pressure = try recorder.accept(sabotaged(batch))
        guard !files.isDead else { return pressure }
        books.withLock { books in
            for outcome in batch { Self.take(outcome, &books) }
        }
        return pressure
    }

    private static func take(_ outcome: Outcome<ItemContext>, _ books: inout WholeBooks) {
        switch outcome.result {
        case .answer(let answer):
            guard let mark = WholeMark.read(answer.responseRaw) else { return books.fault("an answer without a mark") }
            books.taken(mark.number, isUsable: true)
            if outcome.rounds.count > 0, answer.verdictRaw != nil, WholeVerifier.passes(mark.number) {
                books.passes[Int(outcome.rounds.count), default: 0] += 1
            }
        case .failure(let failure):
            if let mark = WholeMark.read(failure.body) { books.taken(mark.number, isUsable: false) }
        case .round(let round):
            guard let mark = WholeMark.read(round.failure.body) else { return }
            // An answer that a stage sends back, or that a verifier judges, is continued.
            let isSentBack =
                round.failure.failureClass == .invalidOutput && round.corrections < WholePlan.correctionsMax
            books.taken(mark.number, isUsable: !round.isDuplicate && (round.isUnjudged || isSentBack))
        case .opinion: break
        }
    }

    private func sabotaged(_ batch: [Outcome<ItemContext>]) -> [Outcome<ItemContext>] {
        var batch = batch
        switch sabotage {
        case nil, .mark: break
        case .failureCost:
            for index in batch.indices {
                guard case .failure(var failure) = batch[index].result else { continue }
                failure.bill = nil
                batch[index].result = .failure(failure)
            }
        case .delay:
            return delayed.withLock { delayed in
                defer { delayed = batch }
                return delayed
            }
        case .exchange:
            if batch.count > 1 { (batch[0].result, batch[1].result) = (batch[1].result, batch[0].result) }
        case .rounds:
            batch.removeAll { if case .round = $0.result { true } else { false } }
        }
        return batch
    }

    func note(unrecordedMax nanodollars: Int) throws(RetortError) {
        if sabotage != .mark { try recorder.note(unrecordedMax: nanodollars) }
        guard !files.isDead else { return }
        books.withLock { books in
            for number in books.requests.indices where books.requests[number].isTaken {
                books.requests[number].isAheadOfMark = false
            }
        }
    }

    func relieved(_ wake: @escaping @Sendable () -> Void) { recorder.relieved(wake) }
}

/// A verifier whose opinion follows from an answer's mark, and which sometimes fails.
struct WholeVerifier: Verifier {
    let name = "scripted"
    let time: SimulatedTime
    let isCalm: Bool
    let random: Locked<SeededGenerator>

    static func passes(_ number: Int) -> Bool { ((number &* 2_654_435_761) >> 9) % 3 != 0 }

    func judge(_ request: VerifierRequest) async throws(RetortError) -> Opinion {
        let (latency, fails) = random.withLock { (Int64($0.below(500)), !isCalm && $0.below(12) == 0) }
        await time.sleep(.milliseconds(latency))
        if fails { throw RetortError(.io, "the verifier has died") }
        guard let mark = WholeMark.read(request.response) else { throw RetortError(.io, "an answer without a mark") }
        let passes = Self.passes(mark.number)
        return Opinion(
            pass: passes, score: passes ? 1 : Double(mark.number % 5) / 10,
            feedback: passes ? nil : "wrong: \(WholeMark.text(mark.number, row: mark.row))")
    }
}
