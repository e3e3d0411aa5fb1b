import Basics
import SegmentStore

/// What a comparison of two stores comes to.
struct ComparedCounts: Sendable, Hashable {
    /// Sums over the rows that both have answered.
    struct Sums: Sendable, Hashable {
        var cost = 0
        var completionTokens = 0
        var milliseconds = 0

        mutating func add(_ record: ComparedRecord) {
            cost = cost.addingSaturated(record.cost ?? 0)
            completionTokens = completionTokens.addingSaturated(record.completionTokens)
            milliseconds = milliseconds.addingSaturated(record.milliseconds)
        }
    }

    var same = 0
    var changed = 0
    /// Of these the ones for which the stores asked the same.
    var changedOfSameRequest = 0
    /// Answered in A and failed in B, the other way round, and failed in both with other classes.
    var failed = 0
    var answered = 0
    var otherFailure = 0
    var onlyA = 0
    var onlyB = 0
    var bothAnswered = 0
    var sumsA = Sums()
    var sumsB = Sums()
    /// Damaged stretches of either store, whose records are not compared.
    var damaged = 0

    /// Counts a row of A; the row, if the stores differ in it.
    mutating func add(_ key: RecordKey, _ a: ComparedRecord, _ b: ComparedRecord?) -> ComparedRow? {
        func row(_ change: ComparedRow.Change) -> ComparedRow {
            ComparedRow(id: String(decoding: key.id, as: UTF8.self), sample: key.sample, change: change, a: a, b: b)
        }
        guard let b else {
            onlyA += 1
            return row(.onlyA)
        }
        if a.isAnswered, b.isAnswered {
            bothAnswered += 1
            sumsA.add(a)
            sumsB.add(b)
        }
        if a.saysTheSame(as: b) {
            same += 1
            return nil
        }
        switch (a.isAnswered, b.isAnswered) {
        case (true, true):
            changed += 1
            if a.fingerprint == b.fingerprint { changedOfSameRequest += 1 }
            return row(.answer)
        case (true, false):
            failed += 1
            return row(.failed)
        case (false, true):
            answered += 1
            return row(.answered)
        case (false, false):
            otherFailure += 1
            return row(.failure)
        }
    }

    mutating func add(onlyB key: RecordKey, _ b: ComparedRecord) -> ComparedRow {
        onlyB += 1
        return ComparedRow(
            id: String(decoding: key.id, as: UTF8.self), sample: key.sample, change: .onlyB, a: nil, b: b)
    }
}
