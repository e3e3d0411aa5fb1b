package import Basics
import Dataset
import JSONText
package import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// The rounds that earlier runs have paid for. An item without an outcome continues at its last round: nothing that was
/// answered is sent again. Used by one thread.
package final class PriorRounds {
    private let reader: StoreReader
    private let classifier: Classifier
    /// Makes the next request; nil if there is no verifier.
    private let verifier: RunVerifier?
    private let parser = JSONParser()

    /// Nil if the store has no rounds. Create it once the store is open: by then all rounds are in segments.
    package init?(
        of store: RecordStore, _ classifier: Classifier, verifier: RunVerifier? = nil
    ) throws(RetortError) {
        guard store.counters.rounds > 0 else { return nil }
        reader = try StoreReader(store.root, options: StoreAccess.options(reading: store))
        self.classifier = classifier
        self.verifier = verifier
    }

    /// Where an item continues.
    package struct Resumption {
        /// The request to send; nil: the item's own request, as if it had no rounds except for their numbers.
        package var request: ModelRequest?
        package var rounds: RoundsSoFar
        package var corrections = 0
        package var rejections = 0
        package var held: HeldAnswer?
        package var best: RejectedAnswer?
        package var attempts = 0
    }

    /// The number of an item's rounds and their cost.
    package func soFar(_ key: RecordKey) throws(RetortError) -> RoundsSoFar { try read(key) { _ in true }.rounds }

    /// An item's rounds.
    private struct Rounds {
        /// Their number; the cost counts rounds from `first` on.
        var rounds = RoundsSoFar()
        /// From this round to the newest, all belong to the row in its current form.
        var first: UInt32 = 1
        /// Nil if there is none for the row in its current form.
        var newest: StoredRecord?
    }

    /// Reads an item's rounds, each once. Rounds of an earlier form of the row are counted, so that their numbers are
    /// not used twice.
    private func read(_ key: RecordKey, ofRow isOfRow: (UInt64) -> Bool) throws(RetortError) -> Rounds {
        var read = Rounds()
        while let record = try record(key, read.rounds.count + 1) {
            read.rounds.count += 1
            if isOfRow(record.head.fingerprint) {
                read.newest = record
                read.rounds.nanodollars = read.rounds.nanodollars.addingSaturated(try view(record).cost ?? 0)
            } else {
                read.newest = nil
                read.rounds.nanodollars = 0
                read.first = read.rounds.count + 1
            }
        }
        return read
    }

    /// Nil for an item without rounds.
    ///
    /// - Parameter isOfRow: whether a fingerprint is that of the row in its current form. An answer to an earlier form
    ///   does not answer the current one.
    package func resumption(
        of key: RecordKey, ofRow isOfRow: (UInt64) -> Bool
    ) throws(RetortError) -> Resumption? {
        let read = try read(key, ofRow: isOfRow)
        let rounds = read.rounds
        guard rounds.count > 0 else { return nil }
        guard let last = read.newest else { return Resumption(rounds: rounds) }
        let view = try view(last)
        guard let asked = view.request else { return Resumption(rounds: rounds) }
        let request = ModelRequest(path: asked.path, body: asked.body)
        let corrections = min(max(0, view.integer(.corrections)), Self.turnsMax)
        let rejections = min(max(0, view.integer(.rejections)), Self.turnsMax)
        // A second answer is the newest round only if the run was killed before the first was written: it is just as
        // good.
        let isUnjudged = [RecordCodec.unjudged, RecordCodec.duplicate].contains(view.text(.roundClass))
        let latency = Interval.milliseconds(Int64(min(max(0, view.integer(.latency)), Self.latencyMax)))
        let body = view.member(.body)?.stringBytes ?? []
        var resumption = Resumption(
            request: request, rounds: rounds, corrections: corrections, rejections: rejections,
            attempts: Int(last.head.attempts))
        let reply = ModelReply(status: view.integer(.httpStatus), body: body)
        let judgement = classifier.judge(
            .success(reply), of: AskedRequest(request, corrections: corrections), with: parser)
        switch judgement.verdict {
        case .ask(let next, _, _):
            resumption.request = next
            resumption.corrections += 1
        case .answer(let answer) where isUnjudged && verifier != nil:
            if let opinion = try opinion(of: key, round: rounds.count), !opinion.pass,
                let next = verifier?.next(after: answer, request, opinion, rejections: rejections)
            {
                resumption.request = next
                resumption.rejections += 1
                resumption.corrections = 0
            } else {
                resumption.held = HeldAnswer(answer, latency: latency)
            }
        default: break
        }
        if verifier?.keepsBest == true { resumption.best = try best(of: key, read.first...rounds.count) }
        return resumption
    }

    /// Maximum turns accepted from a record.
    private static let turnsMax = 1 << 20
    /// Maximum milliseconds accepted from a record.
    private static let latencyMax = 1 << 40

    /// The rejected round with the best score.
    private func best(of key: RecordKey, _ numbers: ClosedRange<UInt32>) throws(RetortError) -> RejectedAnswer? {
        var best: RejectedAnswer?
        for number in numbers {
            guard let opinion = try opinion(of: key, round: number),
                best.map({ $0.opinion.score < opinion.score }) ?? true,
                let record = try record(key, number)
            else { continue }
            let body = try view(record).member(.body)?.stringBytes ?? []
            let reply = ModelReply(status: 200, body: body)
            guard case .answer(let answer) = classifier.classify(.success(reply), with: parser) else { continue }
            best = RejectedAnswer(answer, opinion)
        }
        return best
    }

    private func opinion(of key: RecordKey, round: UInt32) throws(RetortError) -> ItemOpinion? {
        guard let verifier else { return nil }
        let name = RecordCodec.verdictName(verifier.name, round: round)
        let verdict = RecordKey(id: key.id, sample: key.sample, part: .verdict(name))
        guard let record = try reader.record(verdict) else { return nil }
        let view = try view(record)
        return ItemOpinion(
            verifier: verifier.name, round: round, pass: view.member(.pass)?.bool ?? false,
            score: view.member(.score)?.double, feedback: view.text(.feedback), details: view.json(.details))
    }

    private func record(_ key: RecordKey, _ round: UInt32) throws(RetortError) -> StoredRecord? {
        try reader.record(RecordKey(id: key.id, sample: key.sample, part: .round(round)))
    }

    private func view(_ record: StoredRecord) throws(RetortError) -> RecordView {
        guard let root = try? parser.parse(record.line).root else {
            throw RetortError(
                .damagedData, "the record of \(record.head.key) is not JSON",
                remedy: "`retort verify --deep` looks for more.")
        }
        return RecordView(root)
    }
}
