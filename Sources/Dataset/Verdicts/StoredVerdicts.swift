package import Basics
package import JSONText
package import SegmentStore
import Verifiers

/// What a verifier said of a stored answer.
package struct StoredVerdict: Sendable, Hashable {
    package var pass: Bool
    package var score: Double
    package var feedback: String
    /// A JSON value of the verifier's own; empty where it gave none.
    package var details: [UInt8]
    /// Milliseconds that it took.
    package var latency: Int

    /// Of a record of `verdicts/`.
    package init(_ view: RecordView) {
        pass = view.member(.pass)?.bool ?? false
        let number = view.member(.score)?.double ?? 0
        score = number.isFinite ? number : 0
        feedback = view.text(.feedback)
        details = view.json(.details)
        latency = max(0, view.integer(.latency))
    }

    /// Of what an answer's own record says of the verdict by which it became the outcome.
    package init?(own verdict: JSONValue, by verifier: String) {
        guard verdict["verifier"]?.string == verifier, let pass = verdict["pass"]?.bool else { return nil }
        self.pass = pass
        let number = verdict["score"]?.double ?? (pass ? 1 : 0)
        score = number.isFinite ? number : 0
        feedback = verdict["feedback"]?.string ?? ""
        details = verdict["value"].map { Array($0.raw) } ?? []
        latency = 0
    }
}

/// Finds the verdicts on stored answers: the newest of `verdicts/` that is not older than the answer, else the one that the
/// answer's record has from its run. Used by one thread.
package final class StoredVerdicts {
    /// The member of a job that names what judges its answers.
    package static let jobName = "verifier"

    private let reader: StoreReader
    private let parser = JSONParser()

    /// A reader of its own: the blocks of verdicts and answers would push each other out of its cache.
    package init(_ root: String) throws(RetortError) { reader = try StoreReader(root, options: StoreAccess.options) }

    /// Verifiers whose verdicts the store may hold: the one of its runs, and those of `retort evaluate`.
    package static func verifiers(of manifest: StoreManifest) -> [String] {
        var names = manifest.job[StoredVerdicts.jobName].flatMap { try? VerifierSpec($0).name }.map { [$0] } ?? []
        for name in EvaluationNote.read(manifest).keys.sorted() where !names.contains(name) { names.append(name) }
        return names
    }

    /// The verdict on an answer; nil where there is none.
    package func verdict(on answer: RecordView, _ key: RecordKey, by verifier: String) throws(RetortError)
        -> StoredVerdict?
    {
        if reader.counters.verdicts > 0, let stored = try stored(key, verifier),
            stored.integer(.created) >= answer.integer(.created)
        {
            return StoredVerdict(stored)
        }
        let own = answer.json(.verdict)
        guard !own.isEmpty, let root = try? parser.parse(own).root else { return nil }
        return StoredVerdict(own: root, by: verifier)
    }

    private func stored(_ key: RecordKey, _ verifier: String) throws(RetortError) -> RecordView? {
        let name = RecordCodec.verdictName(verifier, round: 0)
        guard let record = try reader.record(RecordKey(id: key.id, sample: key.sample, part: .verdict(name))) else {
            return nil
        }
        return (try? parser.parse(record.line).root).map(RecordView.init)
    }
}
