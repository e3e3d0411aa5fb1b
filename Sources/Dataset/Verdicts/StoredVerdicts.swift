package import Basics
package import JSONText
package import SegmentStore
import Verifiers

/// A verifier's verdict on a stored answer.
package struct StoredVerdict: Sendable, Hashable {
    package var pass: Bool
    package var score: Double
    package var feedback: String
    /// A JSON value from the verifier; empty if it gave none.
    package var details: [UInt8]
    /// Milliseconds that the verifier took.
    package var latency: Int

    /// From a record of `verdicts/`.
    package init(_ view: RecordView) {
        pass = view.member(.pass)?.bool ?? false
        let number = view.member(.score)?.double ?? 0
        score = number.isFinite ? number : 0
        feedback = view.text(.feedback)
        details = view.json(.details)
        latency = max(0, view.integer(.latency))
    }

    /// From an answer's own record: the verdict by which it became the outcome.
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

/// Finds the verdicts on stored answers: the newest in `verdicts/` that is not older than the answer, otherwise the one
/// in the answer's own record. Used by one thread.
package final class StoredVerdicts {
    /// The job's member that names the verifier of the answers.
    package static let jobName = "verifier"

    private let reader: StoreReader
    private let parser = JSONParser()

    /// Separate readers: blocks of verdicts and answers would evict each other from a shared cache.
    package init(_ root: String) throws(RetortError) { reader = try StoreReader(root, options: StoreAccess.options) }

    /// Verifiers whose verdicts the store may hold: that of its runs, and those of `retort evaluate`.
    package static func verifiers(of manifest: StoreManifest) -> [String] {
        var names = manifest.job[StoredVerdicts.jobName].flatMap { try? VerifierSpec($0).name }.map { [$0] } ?? []
        for name in EvaluationNote.read(manifest).keys.sorted() where !names.contains(name) { names.append(name) }
        return names
    }

    /// The verdict on an answer; nil if there is none.
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
