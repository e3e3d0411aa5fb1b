package import Basics
package import Dataset
package import SegmentStore

/// Everything that a report says about a store, from one pass over its records. The three files are generated from this
/// value.
package struct StoreSummary {
    /// The state of the store.
    package enum State: String, Sendable, CaseIterable {
        /// No item has an outcome yet.
        case empty
        /// A run is writing the store.
        case running
        /// Every item of the input has an answer.
        case complete
        /// No process is writing it, and items are pending or failed.
        case incomplete
    }

    /// The files of one lane.
    package struct LaneFiles: Sendable, Hashable {
        package var segments = 0
        package var segmentBytes = 0
        /// Lines that are not compressed yet.
        package var journalBytes = 0

        package var bytes: Int { segmentBytes + journalBytes }
    }

    /// The directory as named by the user.
    package let root: String
    /// The cost of all requests for the store.
    package let spending: Spending
    package let manifest: StoreManifest
    /// Seconds since 1970 of the snapshot.
    package let generated: Int64
    /// The process that is writing the store; nil if there is none.
    package let writer: String?
    /// The last run's report; nil if there is none.
    package let run: RunRecord?
    /// Changes that `retort ctl` and pages have made to running runs, oldest first.
    package let changes: [ChangeLog.Change]
    /// Maximum changes that are kept, newest first, and how many of them are displayed.
    package static let changesMax = 100
    package static let changesShownMax = 20
    package let done: Int
    package let failed: Int
    /// Items of the input; nil until it has been read to its end.
    package let items: Int?
    package let pending: Int?
    package let digest: RecordDigest
    package let columns: TimeColumns
    /// Verdicts; nil if there are none, or if the records were not read.
    package let judged: JudgedSummary?
    package let files: [Lane: LaneFiles]
    /// Bytes of the index, which can be rebuilt.
    package let indexBytes: Int
    package let damage: [Damage]
    /// Exports, newest last.
    package let exports: [ExportNote]

    /// Reads the store in `root`, also while a run writes it.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Throws: the errors of `StoreReader`; damaged blocks are skipped and listed in `damage`.
    /// - Parameter readsRecords: if false, the sums over the records stay empty.
    package init(of root: String, now: Int64, readsRecords: Bool = true) throws(RetortError) {
        let reader = try StoreReader(root, options: StoreAccess.options)
        var digest = RecordDigest(failureClasses: reader.manifest.failureClasses)
        var damage = reader.damage
        var known = Set(damage)
        for lane in Lane.outcomes where readsRecords {
            try reader.forEach(lane) { found in
                if known.insert(found).inserted { damage.append(found) }
            } _: { record throws(RetortError) in
                digest.add(record)
            }
        }
        self.root = root
        manifest = reader.manifest
        spending = try Spending(of: reader)
        generated = now
        writer = try reader.writer()
        run = RunRecordFile(in: root).read()
        changes = ChangeLog(in: root).read().suffix(Self.changesMax)
        done = Int(reader.counters.done)
        failed = Int(reader.counters.failed)
        items = reader.items
        pending = reader.pending
        self.digest = digest
        judged = readsRecords ? try JudgedSummary(reader, digest) : nil
        columns = TimeColumns(digest.timeline)
        files = try Self.files(reader)
        indexBytes = try Self.bytes(in: root + "/index") { _ in true }
        self.damage = damage
        exports = ExportNotes.read(root)
    }

    private static func files(_ reader: StoreReader) throws(RetortError) -> [Lane: LaneFiles] {
        let sizes = try reader.segmentSizes()
        var files: [Lane: LaneFiles] = [:]
        for lane in Lane.outcomes {
            let journals = try bytes(in: "\(reader.root)/\(lane.directoryName)") { $0.hasPrefix("journal-") }
            let segments = sizes[lane] ?? []
            files[lane] = LaneFiles(
                segments: segments.count, segmentBytes: segments.reduce(0, +), journalBytes: journals)
        }
        return files
    }

    private static func bytes(in directory: String, where counts: (String) -> Bool) throws(RetortError) -> Int {
        let system = PosixFileSystem()
        var sum = 0
        for name in try system.entries(of: directory) where counts(name) {
            sum += try system.size(of: "\(directory)/\(name)") ?? 0
        }
        return sum
    }
}

/// Values derived from the sums.
extension StoreSummary {
    package var state: State {
        if writer != nil { return .running }
        if done + failed == 0 { return .empty }
        return failed == 0 && pending == 0 ? .complete : .incomplete
    }

    /// Records that could be read: fewer than `done` and `failed` if the store is damaged.
    package var answersRead: Int { digest.volumes[.responses]?.records ?? 0 }
    package var failuresRead: Int { digest.volumes[.failures]?.records ?? 0 }

    /// The requested model.
    package var model: String { manifest.job["model"] ?? "" }

    /// Seconds of work, without long pauses.
    package var activeSeconds: Int64 { columns.activeSeconds }

    /// Answers per second of work; nil before the first one.
    package var donePerSecond: Double? {
        activeSeconds > 0 ? Double(answersRead) / Double(activeSeconds) : nil
    }

    /// Answers per second over the last minute of work, or its last twentieth if that is longer.
    package var recentDonePerSecond: Double? {
        let recent = columns.recent(max(60, activeSeconds / 20))
        return recent.seconds > 0 ? Double(recent.bin.done) / Double(recent.seconds) : nil
    }

    /// Seconds that the pending items will take at the recent rate; nil if unknown.
    package var remainingSeconds: Double? {
        guard let pending, pending > 0, let pace = recentDonePerSecond, pace > 0 else { return nil }
        return Double(pending) / pace
    }

    /// The compression ratio of the lane's files; nil if empty.
    package func ratio(_ lane: Lane) -> Double? {
        guard let bytes = files[lane]?.bytes, bytes > 0, let volume = digest.volumes[lane] else { return nil }
        return Double(volume.rawBytes) / Double(bytes)
    }

    /// Dollars; nil if no record states a cost above 0: then no price was known.
    package var cost: Double? { digest.cost > 0 ? digest.cost : nil }

    /// What the pending items will cost if they cost as much as the others; nil if unknown.
    package var remainingCost: Double? {
        guard let pending, let cost, digest.nanodollars.count > 0 else { return nil }
        return cost / Double(digest.nanodollars.count) * Double(pending)
    }

    /// The failure classes with failures, most frequent first.
    package var failures: [(number: Int, name: String, digest: FailureDigest)] {
        digest.failures.enumerated().filter { $0.element.count > 0 }
            .sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
            .map { ($0.offset, digest.className($0.offset), $0.element) }
    }
}
