import Basics
import Dataset
package import SegmentStore

/// The counts of a comparison of two stores.
package struct ComparedCounts: Sendable, Hashable {
    /// Sums over the rows that both have answered.
    package struct Sums: Sendable, Hashable {
        package var cost = 0
        package var completionTokens = 0
        package var milliseconds = 0

        package mutating func add(_ record: ComparedRecord) {
            cost = cost.addingSaturated(record.cost ?? 0)
            completionTokens = completionTokens.addingSaturated(record.completionTokens)
            milliseconds = milliseconds.addingSaturated(record.milliseconds)
        }
    }

    /// One verifier's verdicts, over the rows for which it has judged both answers.
    package struct Verdicts: Sendable, Hashable {
        package var judged = 0
        package var passedA = 0
        package var passedB = 0
        /// Rejected in A and passed in B, and the reverse.
        package var gained = 0
        package var lost = 0
        /// Sums of scores.
        package var scoresA = 0.0
        package var scoresB = 0.0

        /// Counts a row. True if only one of its answers passes.
        fileprivate mutating func add(_ a: StoredVerdict, _ b: StoredVerdict) -> Bool {
            judged += 1
            passedA += a.pass ? 1 : 0
            passedB += b.pass ? 1 : 0
            gained += b.pass && !a.pass ? 1 : 0
            lost += a.pass && !b.pass ? 1 : 0
            scoresA += a.score
            scoresB += b.score
            return a.pass != b.pass
        }
    }

    package var same = 0
    package var changed = 0
    /// Equal answers with different verdicts.
    package var judgedOtherwise = 0
    /// By verifier name.
    package var verdicts: [String: Verdicts] = [:]
    /// How many of the changed rows have equal requests in both stores.
    package var changedOfSameRequest = 0
    /// Answered in A and failed in B, the reverse, and failed in both with different classes.
    package var failed = 0
    package var answered = 0
    package var otherFailure = 0
    package var onlyA = 0
    package var onlyB = 0
    package var bothAnswered = 0
    package var sumsA = Sums()
    package var sumsB = Sums()
    /// Damaged parts of either store, whose records are not compared.
    package var damaged = 0

    /// Counts a row of A. Returns the row if the stores differ in it.
    package mutating func add(_ key: RecordKey, _ a: ComparedRecord, _ b: ComparedRecord?) -> ComparedRow? {
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
        let isJudgedOtherwise = addVerdicts(a, b)
        if a.saysTheSame(as: b) {
            same += 1
            guard isJudgedOtherwise else { return nil }
            judgedOtherwise += 1
            return row(.verdict)
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

    /// True if some verifier passes only one of the answers.
    private mutating func addVerdicts(_ a: ComparedRecord, _ b: ComparedRecord) -> Bool {
        var differs = false
        for (name, verdict) in a.verdicts {
            guard let other = b.verdicts[name] else { continue }
            if verdicts[name, default: Verdicts()].add(verdict, other) { differs = true }
        }
        return differs
    }

    package mutating func add(onlyB key: RecordKey, _ b: ComparedRecord) -> ComparedRow {
        onlyB += 1
        return ComparedRow(
            id: String(decoding: key.id, as: UTF8.self), sample: key.sample, change: .onlyB, a: nil, b: b)
    }
}
