import Basics
import JSONText
import ModelAPI
package import ResponseGenerator
package import SegmentStore

/// The records of `rounds/` and `verdicts/`.
extension RecordCodec {
    /// A billed answer that is not an outcome, with its cost. If it becomes the outcome after all, that record states
    /// the cost again (`RecordTallies.Place.besides`).
    package func record(of round: ItemRound, _ outcome: Outcome<ItemContext>) -> NewRecord {
        let context = outcome.context
        let cost = round.failure.bill.map { $0.nanodollars(at: context.price) } ?? context.price.map { _ in 0 }
        return NewRecord(
            key: RecordKey(id: context.key.id, sample: context.key.sample, part: .round(round.number)),
            status: .round, attempts: UInt32(clamping: outcome.attempts), row: context.row,
            fingerprint: context.fingerprint, members: members(of: round, outcome, cost: cost),
            tallies: RecordTallies.ofRound(cost: cost))
    }

    private func members(of round: ItemRound, _ outcome: Outcome<ItemContext>, cost: Int?) -> [UInt8] {
        let (failure, answer) = (round.failure, round.failure.answer)
        var writer = RecordWriter(
            .rounds, capacity: 2 * failure.body.count + round.request.body.count + outcome.context.metadata.count + 512)
        var other = OtherParts()
        if let parts = answer?.otherRaw { other.add(object: parts) }
        if writer.token(.response, answer?.responseRaw ?? ModelAnswer.emptyString) > 0 { replaced.withLock { $0 += 1 } }
        writer.token(.reasoning, answer?.reasoningRaw ?? ModelAnswer.emptyString)
        writer.text(.value, answer?.valueRaw ?? [])
        writer.text(.valueFound, answer?.valueFound ?? "")
        writer.text(.toolCalls, answer?.toolCallsRaw ?? [])
        writer.text(.finishReason, answer?.finishReason ?? "")
        writer.token(.model, answer?.modelRaw ?? ModelAnswer.emptyString)
        writer.usage(.usage, failure.bill?.usage ?? TokenUsage())
        writer.dollars(.cost, nanodollars: cost)
        writer.text(.prices, failure.bill.map { priceList($0, cost) } ?? "")
        let roundClass =
            round.isDuplicate ? Self.duplicate : round.isUnjudged ? Self.unjudged : failure.failureClass.rawValue
        writer.text(.roundClass, roundClass)
        writer.text(.error, failure.message)
        writer.integer(.corrections, round.corrections)
        writer.integer(.rejections, round.rejections)
        writer.integer(.httpStatus, failure.status)
        writer.text(.body, failure.body)
        writer.integer(.latency, Int(outcome.latency.milliseconds))
        writer.integer(.created, Int(now()))
        writer.request(.request, path: round.request.path, body: round.request.body)
        writer.text(.metadata, outcome.context.metadata)
        if let server = server(of: outcome) { other.add(.endpoint, server) }
        if let share = answer?.share { other.add(share) }
        writer.text(.other, other.json)
        return writer.finished
    }

    /// The class of a round whose answer a verifier has not judged yet.
    package static let unjudged = "unjudged"
    /// The class of a round whose request was answered twice: the other answer counts.
    package static let duplicate = "duplicate"

    /// A verifier's verdict on a round that it rejected.
    package func record(of opinion: ItemOpinion, _ outcome: Outcome<ItemContext>) -> NewRecord {
        verdict(
            of: opinion, key: outcome.context.key, row: outcome.context.row,
            fingerprint: outcome.context.fingerprint)
    }

    /// A record of `verdicts/`.
    ///
    /// - Parameter key: the key of the item's outcome.
    package func verdict(of opinion: ItemOpinion, key: RecordKey, row: UInt64, fingerprint: UInt64) -> NewRecord {
        var writer = RecordWriter(.verdicts, capacity: opinion.feedback.utf8.count + opinion.details.count + 256)
        writer.integer(.judgedRound, Int(opinion.round))
        writer.boolean(.pass, opinion.pass)
        writer.number(.score, opinion.score)
        writer.text(.feedback, opinion.feedback)
        writer.text(.details, opinion.details)
        writer.integer(.latency, Int(opinion.time.milliseconds))
        writer.integer(.created, Int(now()))
        let name = Self.verdictName(opinion.verifier, round: opinion.round)
        return NewRecord(
            key: RecordKey(id: key.id, sample: key.sample, part: .verdict(name)), status: .verdict, attempts: 0,
            row: row, fingerprint: fingerprint, members: writer.finished)
    }

    /// A verdict on an outcome has its verifier's name; one on an earlier round has the round's number after a slash,
    /// so that each is kept. Names are truncated to what a key can hold.
    package static func verdictName(_ verifier: String, round: UInt32) -> String {
        let suffix = round == 0 ? "" : "/\(round)"
        var name = String(verifier.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) })
        if name.isEmpty { name = "verifier" }
        while name.utf8.count + suffix.utf8.count > StoreLimits.verifierBytesMax { name.removeLast() }
        return name + suffix
    }
}
