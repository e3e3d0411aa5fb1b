package import Basics
import CommandLine
package import Dataset
import JSONSchema
import JSONText
import ModelAPI
package import SegmentStore

/// The result of judging a store's records by a check.
package struct CheckCounts: Sendable, Hashable {
    /// Answers that fit, by how their value was found.
    package var fitting: [String: Int] = [:]
    /// How many of them get another value than in their record, or their first.
    package var revalued = 0
    /// Answers that do not fit.
    package var unfit = 0
    /// Failures whose answers fit now.
    package var recovered = 0
    /// Other failed items.
    package var failed = 0
    /// Some of the answers that do not fit: their items and the reasons.
    package var examples: [String] = []

    package static let examplesMax = 3

    package var answers: Int { fits + unfit }
    package var fits: Int { fitting.values.reduce(0, +) }
    /// Whether any record would change.
    package var changes: Bool { revalued + unfit + recovered > 0 }
}

/// Judges a store's records again by a check, and makes it the store's check: `retort check`.
///
/// Answers that no longer fit move to `superseded/`, and answers with another value get it, in one replacement of the
/// manifest, which also stores the schema. Failures whose answers fit now then get successes. After a kill at any
/// moment, the same command does the rest.
package struct StoreCheck {
    package let root: String
    package let check: AnswerCheck
    package let job: StoredJob
    package let pricing: Pricing
    private let options: StoreOptions
    private let progress: (Int, Int) -> Void

    /// Successes appended at once.
    private static let batchRecords = 256
    /// Records between two reports of progress.
    private static let recordsPerReport = 4096

    /// - Parameter progress: called from time to time with the number of judged records and of all records.
    package init(
        _ root: String, _ check: AnswerCheck, job: StoredJob, pricing: Pricing,
        options: StoreOptions = StoreAccess.options, progress: @escaping (Int, Int) -> Void = { _, _ in }
    ) {
        self.root = root
        self.check = check
        self.job = job
        self.pricing = pricing
        self.options = options
        self.progress = progress
    }

    /// Counts what would change, without writing.
    package func count() throws(RetortError) -> CheckCounts {
        let reader = try StoreReader(root, options: options)
        var counts = try countAnswers(reader) { (_, _) throws(RetortError) in }
        try forEachFailure(reader, &counts) { (_) throws(RetortError) in }
        return counts
    }

    /// Applies the check. Throws `.busy` if the store is being written, `.damagedData` if a part of it cannot be read:
    /// then nothing has changed.
    package func apply() throws(RetortError) -> CheckCounts {
        var counts = try revise()
        guard counts.failed > 0 else { return counts }
        counts.failed = 0
        let store = try RecordStore.open(root, options: options)
        let appended = Result { () throws(RetortError) in try recover(in: store, &counts) }
        try store.close()
        try appended.get()
        return counts
    }

    // MARK: Answers

    private func revise() throws(RetortError) -> CheckCounts {
        let revision = try StoreRevision(root, options: options)
        defer { revision.release() }
        let reader = try StoreReader(root, options: options)
        var counts = try countAnswers(reader) { (record, isUnfit) throws(RetortError) in
            guard let entry = try revision.lookup(record.head.key) else { return }
            if isUnfit { try revision.supersede(entry) } else { try revision.amend(entry) }
        }
        var values = revision.manifest.job
        values[AnswerCheck.jobName] = check.jobText
        let review = AnswerReview(check, job: job)
        try revision.commit(job: values, notes: [AnswerCheck.note: check.noteText]) { (record) throws(RetortError) in
            try review.line(of: record)
        }
        counts.failed = try reader.failedEntries().count
        return counts
    }

    /// Judges the answers. `change` gets those that change, and whether that is because they do not fit.
    private func countAnswers(
        _ reader: StoreReader, change: (StoredRecord, Bool) throws(RetortError) -> Void
    ) throws(RetortError) -> CheckCounts {
        let review = AnswerReview(check, job: job)
        var counts = CheckCounts()
        let all = Int(clamping: reader.counters.done)
        var damage: Damage?
        func note(_ found: Damage) { damage = damage ?? found }
        try reader.forEach(.responses, onDamage: note) { record throws(RetortError) in
            switch try review.standing(of: record) {
            case .same(let layer): counts.fitting[layer, default: 0] += 1
            case .changed(let layer):
                counts.fitting[layer, default: 0] += 1
                counts.revalued += 1
                try change(record, false)
            case .unfit(let why):
                counts.unfit += 1
                if counts.examples.count < CheckCounts.examplesMax {
                    counts.examples.append("\(record.head.key): \(why)")
                }
                try change(record, true)
            }
            if counts.answers % Self.recordsPerReport == 0 { progress(counts.answers, all) }
        }
        try Self.refuse(damage)
        return counts
    }

    // MARK: Failures

    /// Passes each failure that fits now to `body`, and counts.
    private func forEachFailure(
        _ reader: StoreReader, _ counts: inout CheckCounts, _ body: (NewRecord) throws(RetortError) -> Void
    ) throws(RetortError) {
        let review = AnswerReview(check, job: job)
        let codec = RecordCodec(keepsBody: false, costs: try CostColumn(of: root))
        for entry in try reader.failedEntries() {
            let record = try reader.record(entry)
            if let success = try review.success(ofFailure: record, codec: codec, pricing: pricing) {
                counts.recovered += 1
                try body(success)
            } else {
                counts.failed += 1
            }
        }
    }

    private func recover(in store: RecordStore, _ counts: inout CheckCounts) throws(RetortError) {
        var batch: [NewRecord] = []
        func append() throws(RetortError) {
            _ = try store.append(batch)
            batch.removeAll(keepingCapacity: true)
        }
        try forEachFailure(try StoreReader(root, options: options), &counts) { record throws(RetortError) in
            batch.append(record)
            if batch.count >= Self.batchRecords { try append() }
        }
        try append()
    }

    private static func refuse(_ damage: Damage?) throws(RetortError) {
        guard let damage else { return }
        throw RetortError(
            .damagedData, damage.reason, at: StoreAccess.place(damage),
            remedy: "Run `retort repair` on that store first.")
    }
}
