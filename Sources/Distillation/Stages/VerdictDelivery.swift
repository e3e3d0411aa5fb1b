package import Basics
import Dataset
import JSONText
import ResponseGenerator
package import SegmentStore
package import StageSource

/// Writes a judge's answers as verdicts into the judged stage. Verdicts are built only from what is on disk, so the
/// next run completes what a killed run left out, without sending a request.
package struct VerdictDelivery: Sendable {
    /// The stage's name, which is also the verifier's.
    package let judge: String
    /// Its store.
    package let root: String
    /// The store of the stage that it judges.
    package let judged: String
    package let rule: JudgeRule
    package let desk: VerdictDesk
    /// Says when the judge has ended.
    package let watch: SourceWatch

    /// Maximum verdicts appended at once.
    private static let batchMax = 64
    private static let notePrefix = "verdicts_of_"

    /// Works until the judge has ended. Blocks.
    package func run() throws(RetortError) {
        guard let manifest = try RecordStore.manifest(of: root) else { return }
        let identity = "\(manifest.store) \(manifest.revision ?? 0) \(rule.text)"
        var samples = 1
        var start = SourcePosition.start
        try desk.with { (store, _) throws(RetortError) in
            samples = store.manifest.samples
            if let note = store.manifest.notes?[Self.notePrefix + judge], note.hasPrefix(identity + " ") {
                start = SourcePosition(note.dropFirst(identity.count + 1)) ?? .start
            }
            try EvaluationNote.announce(judge, in: store)
        }
        let rows = try StoreRows(root, .answers, from: start, options: StoreAccess.options, watch: watch)
        var batch: [NewRecord] = []
        var saved = Instant.now
        var count = 0
        func flush() throws(RetortError) {
            count += try append(batch)
            batch.removeAll(keepingCapacity: true)
        }
        func pass(_ position: SourcePosition, isLast: Bool) throws(RetortError) {
            guard isLast || Instant.now - saved >= SourceKeeper.interval else { return }
            try flush()
            saved = .now
            try desk.with { (store, _) throws(RetortError) in
                // The verdicts are made durable before the note about them.
                try store.sync()
                try store.note(Self.notePrefix + judge, "\(identity) \(position.text)")
            }
        }
        while try rows.next() != nil, let record = rows.record {
            if let position = rows.takePassed() { try pass(position, isLast: false) }
            if let verdict = verdict(record, samples) { batch.append(verdict) }
            if batch.count >= Self.batchMax || !rows.hasNext { try flush() }
        }
        try flush()
        if let position = rows.takePassed() { try pass(position, isLast: true) }
        if count > 0 { try sum() }
    }

    /// Stores the sums of all verdicts, for `retort status`.
    private func sum() throws(RetortError) {
        let summary = try EvaluationSummary(try StoreReader(judged, options: StoreAccess.options), [judge], ks: [1])
        try desk.with { (store, _) throws(RetortError) in try EvaluationNote.write(summary, to: store) }
    }

    private func verdict(_ record: StoredRecord, _ samples: Int) -> NewRecord? {
        guard let said = rule.verdict(of: record) else { return nil }
        let key = ItemName.key(of: record.head.key.id, samples: samples)
        let opinion = ItemOpinion(
            verifier: judge, round: 0, pass: said.pass, score: said.score, feedback: said.feedback,
            details: said.details, time: .zero)
        let made = (record.line + Array(rule.text.utf8)).withUnsafeBytes { ContentHash.hash64($0) }
        return RecordCodec(keepsBody: false).verdict(of: opinion, key: key, row: record.head.row, fingerprint: made)
    }

    /// Appends the missing verdicts. A verdict's fingerprint identifies the judge's record from which it was built.
    private func append(_ verdicts: [NewRecord]) throws(RetortError) -> Int {
        guard !verdicts.isEmpty else { return 0 }
        var new: [NewRecord] = []
        try desk.with { (store, recorder) throws(RetortError) in
            let known = try store.lookup(verdicts.map(\.key.hash), in: .verdicts)
            for (verdict, entry) in zip(verdicts, known)
            where entry?.fingerprint != UInt32(truncatingIfNeeded: verdict.fingerprint) { new.append(verdict) }
            guard !new.isEmpty else { return }
            if let recorder { try recorder.record(verdicts: new) } else { _ = try store.append(new) }
        }
        return new.count
    }

    /// The judge's answers whose verdicts are missing in the judged store.
    package static func missing(
        _ judge: String, at root: String, _ rule: JudgeRule, in judged: StoreReader
    ) throws(RetortError) -> Int {
        let rows = try StoreRows(root, .answers, options: StoreAccess.options)
        let name = RecordCodec.verdictName(judge, round: 0)
        var missing = 0
        while try rows.next() != nil, let record = rows.record {
            guard rule.verdict(of: record) != nil else { continue }
            let key = ItemName.key(of: record.head.key.id, samples: judged.manifest.samples)
            let verdict = RecordKey(id: key.id, sample: key.sample, part: .verdict(name))
            if try judged.lookup(verdict) == nil { missing += 1 }
        }
        return missing
    }
}
