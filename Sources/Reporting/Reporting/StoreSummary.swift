package import Basics
package import Dataset
package import SegmentStore

/// Everything that a report says of a store, from one pass over its records. The three files are made from this value.
package struct StoreSummary {
    /// How far the store is.
    package enum State: String, Sendable, CaseIterable {
        /// No item has an outcome yet.
        case empty
        /// A run writes the store now.
        case running
        /// Every item of the input has its answer.
        case complete
        /// No process writes it, and items are pending or failed.
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

    /// The directory as the user named it.
    package let root: String
    /// What all requests for the store have cost.
    package let spending: Spending
    package let manifest: StoreManifest
    /// Seconds since 1970 of the snapshot.
    package let generated: Int64
    /// The process that writes the store; nil when none does.
    package let writer: String?
    /// What the last run says of itself; nil where it did not.
    package let run: RunRecord?
    /// What `retort ctl` and pages have changed while runs went, oldest first.
    package let changes: [ChangeLog.Change]
    /// The newest changes that are kept, and those of them that people are shown.
    package static let changesMax = 100
    package static let changesShownMax = 20
    package let done: Int
    package let failed: Int
    /// Items of the input; nil as long as it was not read to its end.
    package let items: Int?
    package let pending: Int?
    package let digest: RecordDigest
    package let columns: TimeColumns
    /// What verifiers have said; nil where none has, and where the records were not read.
    package let judged: JudgedSummary?
    package let files: [Lane: LaneFiles]
    /// Bytes of the index, which can be made again.
    package let indexBytes: Int
    package let damage: [Damage]
    /// What was exported, the newest last.
    package let exports: [ExportNote]

    /// Reads the store in `root`, also while a run writes it.
    /// - Parameter now: seconds since 1970.
    /// - Throws: what `StoreReader` throws; damaged blocks are left out and listed in `damage`.
    /// - Parameter readsRecords: without them the sums over the records stay empty.
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

/// What follows from the sums.
extension StoreSummary {
    package var state: State {
        if writer != nil { return .running }
        if done + failed == 0 { return .empty }
        return failed == 0 && pending == 0 ? .complete : .incomplete
    }

    /// Records that could be read: less than `done` and `failed` where the store is damaged.
    package var answersRead: Int { digest.volumes[.responses]?.records ?? 0 }
    package var failuresRead: Int { digest.volumes[.failures]?.records ?? 0 }

    /// The model that was asked for.
    package var model: String { manifest.job["model"] ?? "" }

    /// Seconds of work, without long pauses.
    package var activeSeconds: Int64 { columns.activeSeconds }

    /// Answers per second of work; nil before the first.
    package var donePerSecond: Double? {
        activeSeconds > 0 ? Double(answersRead) / Double(activeSeconds) : nil
    }

    /// The same for the last minute of work, or its last twentieth if that is longer.
    package var recentDonePerSecond: Double? {
        let recent = columns.recent(max(60, activeSeconds / 20))
        return recent.seconds > 0 ? Double(recent.bin.done) / Double(recent.seconds) : nil
    }

    /// Seconds that the pending items will take at the recent pace; nil when it cannot be told.
    package var remainingSeconds: Double? {
        guard let pending, pending > 0, let pace = recentDonePerSecond, pace > 0 else { return nil }
        return Double(pending) / pace
    }

    /// How many times smaller the lane's files are than its lines.
    package func ratio(_ lane: Lane) -> Double? {
        guard let bytes = files[lane]?.bytes, bytes > 0, let volume = digest.volumes[lane] else { return nil }
        return Double(volume.rawBytes) / Double(bytes)
    }

    /// Dollars; nil when no record states a cost above 0: then no price was known.
    package var cost: Double? { digest.cost > 0 ? digest.cost : nil }

    /// What the pending items will cost if they cost as much as the others; nil when it cannot be told.
    package var remainingCost: Double? {
        guard let pending, let cost, digest.nanodollars.count > 0 else { return nil }
        return cost / Double(digest.nanodollars.count) * Double(pending)
    }

    /// The failure classes that have failures, the most frequent first.
    package var failures: [(number: Int, name: String, digest: FailureDigest)] {
        digest.failures.enumerated().filter { $0.element.count > 0 }
            .sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
            .map { ($0.offset, digest.className($0.offset), $0.element) }
    }
}
