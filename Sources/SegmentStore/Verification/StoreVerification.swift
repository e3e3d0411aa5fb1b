public import Basics

/// Verifies a store's guarantees, without a lock, also while a run is writing: it reads a snapshot and changes nothing.
///
/// Every byte is checked: segments by their blocks' headers and checksums, runs and the checkpoint of the index by
/// theirs, journals line by line. The deep form reads every record as well. It needs no sorting to show that no key has
/// two successes: the index gives one position per hash, and each success must be at the position of its own hash. As
/// many matches as entries show that no entry lacks its record.
///
/// Memory does not grow with the store. If the index is missing or damaged, one is built in `ROOT.tmp-verify` and
/// removed afterwards, or in memory if that cannot be written.
public enum StoreVerification {
    /// Throws `.notFound` if there is no store, `.configuration` if newer code wrote it, and system errors; everything
    /// else is in the report. `progress` is called after each block.
    ///
    /// Tallies are compared only if `options.recount` returns any.
    public static func run(
        _ root: String, options: StoreOptions = StoreOptions(), deep: Bool = false,
        progress: (StoreProgress) -> Void = { _ in }
    ) throws(RetortError) -> VerificationReport {
        try run(root, options: options, deep: deep, holdsLock: false, progress: progress)
    }

    /// `holdsLock` says that the caller holds the store's lock, so that no process is writing.
    static func run(
        _ root: String, options: StoreOptions, deep: Bool, holdsLock: Bool, progress: (StoreProgress) -> Void
    ) throws(RetortError) -> VerificationReport {
        let scratch = ScratchDirectory(StoreLayout.sibling(of: root, "tmp-verify"), files: options.files)
        defer { scratch.remove() }
        return try StoreManifest.readingStill(StoreLayout(root: root), options.files) { () throws(RetortError) in
            try verify(root, options, deep, holdsLock, scratch, progress)
        }
    }

    private static func verify(
        _ root: String, _ options: StoreOptions, _ deep: Bool, _ holdsLock: Bool, _ scratch: ScratchDirectory,
        _ progress: (StoreProgress) -> Void
    ) throws(RetortError) -> VerificationReport {
        var verification = Verification(root: root, options: options, isDeep: deep)
        guard try verification.checkManifest() else { return verification.report }
        try verification.checkMark()
        let snapshot = try verification.openSnapshot(scratch: scratch.claim, holdsLock: holdsLock)
        try verification.checkFiles(of: snapshot)
        try verification.checkJournals(of: snapshot)
        try verification.checkHints(of: snapshot)
        try verification.checkSegments(of: snapshot, progress: progress)
        if deep { try verification.checkIndexAgainstRecords(of: snapshot) }
        try verification.checkArchive(of: snapshot)
        return verification.report
    }
}

/// A directory for runs that serve one reading: created when first needed, and locked.
final class ScratchDirectory {
    private let path: String
    private let files: any FileSystem
    private var lock: (any FileLock)?

    init(_ path: String, files: any FileSystem) {
        self.path = path
        self.files = files
    }

    private static func isOwn(_ name: String) -> Bool { name == "LOCK" || StoreLayout.runNumber(name) != nil }

    /// Nil if it cannot be created, another process uses it, or it contains other files.
    func claim() -> String? {
        if lock != nil { return path }
        do throws(RetortError) {
            try files.createDirectory(path)
            guard try files.entries(of: path).allSatisfy(Self.isOwn) else { return nil }
            lock = try files.lock(path + "/LOCK")
            return path
        } catch {
            return nil
        }
    }

    func remove() {
        guard let lock else { return }
        for name in (try? files.entries(of: path)) ?? [] where Self.isOwn(name) {
            try? files.removeRegular(path + "/" + name)
        }
        try? files.removeDirectory(path)
        lock.release()
    }
}

/// One verification of a store.
struct Verification {
    let root: String
    let options: StoreOptions
    var report: VerificationReport
    /// What the deep form counts of the records, for comparison with the index.
    var seen = SeenRecords()

    typealias Problem = VerificationReport.Problem

    init(root: String, options: StoreOptions, isDeep: Bool) {
        self.root = root
        self.options = options
        report = VerificationReport(root: root, isDeep: isDeep)
    }

    static let repair = "Run `retort repair`: it sets aside what is damaged and makes its items pending."
    static let exchange =
        "Put the right file in its place, or run `retort repair`: it sets this one aside and makes the items pending."
    static let reindex = "Run `retort reindex` to rebuild the index."

    /// Whether the manifest can be used.
    mutating func checkManifest() throws(RetortError) -> Bool {
        let layout = StoreLayout(root: root)
        var bytes: [UInt8] = []
        do throws(RetortError) {
            bytes = try options.files.contents(of: layout.manifest, bytesMax: StoreLimits.manifestBytesMax) ?? []
            _ = try StoreManifest.load(layout, files: options.files)
        } catch {
            guard error.code == .damagedData || error.code == .configuration && !StoreManifest.isUntouched(bytes) else {
                throw error
            }
            report.note(
                Problem(
                    kind: .manifest, place: layout.manifest,
                    message: error.cause.map { "\(error.message): \($0)" } ?? error.message,
                    remedy: error.remedy ?? "Restore it from a copy.", isRepairable: false))
            return false
        }
        if !StoreManifest.isUntouched(bytes) {
            report.note(
                Problem(
                    kind: .manifest, place: layout.manifest, message: "the manifest is not as it was written",
                    remedy: "Check it; if it is right, `retort repair` writes it again."))
        }
        return true
    }

    /// Checks the mark's file, of a store whose manifest can be used.
    mutating func checkMark() throws(RetortError) {
        let layout = StoreLayout(root: root)
        let storeID = try StoreManifest.load(layout, files: options.files).storeID
        do throws(RetortError) {
            _ = try MarkSlot.read(layout, storeID: storeID, files: options.files)
        } catch {
            guard error.code == .damagedData else { throw error }
            report.note(
                Problem(
                    kind: .mark, place: layout.mark,
                    message: error.cause.map { "\(error.message): \($0)" } ?? error.message,
                    remedy: "Put it back from a copy, or run `retort repair` to set it aside: the mark is 0 then."))
        }
    }

    /// The current snapshot of the store, with a valid index.
    mutating func openSnapshot(scratch: () -> String?, holdsLock: Bool) throws(RetortError) -> VerificationSnapshot {
        let layout = StoreLayout(root: root)
        let files = options.files
        report.writer = holdsLock ? nil : try files.lockHolder(layout.lock)
        let manifest = try StoreManifest.load(layout, files: files)
        let isThere = try files.size(of: layout.checkpoint) != nil
        let hasCheckpoint = try StoreImage.loadCheckpoint(layout, manifest, files) != nil
        let isEarlier = try StoreImage.hasEarlierCheckpoint(layout, files)
        let isForeign = isThere ? try !files.isRegular(layout.checkpoint) : false
        if isForeign {
            noteForeign(.index, layout.checkpoint)
        } else if isThere && !hasCheckpoint && !isEarlier {
            noteIndex(layout.checkpoint, "the checkpoint of the index is damaged")
        }
        var image = try StoreImage.load(root, options: options, mends: false, scratch: scratch)
        if hasCheckpoint && image.indexWasRebuilt { noteIndex(layout.index, "the files of the index do not hold") }
        if try !pagesHold(image) {
            image = try StoreImage.load(root, options: options, mends: false, usesCheckpoint: false, scratch: scratch)
        }
        _ = try image.noteJournals { seen.add($0, image.context.recount($1)) }
        report.isBeingRevised = image.manifest.superseding != nil
        report.counters = image.index.withLock { $0.live }
        report.inputs = image.manifest.input?.items(samples: image.manifest.samples)
        report.rows = image.manifest.input?.rows
        report.part = image.manifest.input?.part
        return try VerificationSnapshot(image: image, writer: report.writer)
    }

    /// Reports something else in the place of a file of the store. Only people remove it.
    mutating func noteForeign(_ kind: Problem.Kind, lane: Lane? = nil, segment: UInt32? = nil, _ place: String) {
        report.note(
            Problem(
                kind: kind, lane: lane, segment: segment, place: place, message: "not a regular file",
                remedy: StoreLayout.foreignRemedy, isRepairable: false))
    }

    mutating func noteIndex(_ place: String, _ message: String) {
        report.note(Problem(kind: .index, place: place, message: message, remedy: Self.reindex))
    }

    /// Whether every page of every run is valid and in order.
    private mutating func pagesHold(_ image: StoreImage) throws(RetortError) -> Bool {
        var hold = true
        for lane in Lane.allCases {
            for run in image.index.withLock({ $0[lane].runs }) {
                let isWhole = try pagesHold(run, image.context.layout.run(run.number))
                hold = isWhole && hold
            }
        }
        return hold
    }

    private mutating func pagesHold(_ run: Run, _ place: String) throws(RetortError) -> Bool {
        var hold = true
        var last: Hash128?
        var entries: [IndexEntry] = []
        func fails(_ read: () throws(RetortError) -> Void) throws(RetortError) -> Bool {
            do throws(RetortError) {
                try read()
                return false
            } catch {
                guard error.code == .damagedData else { throw error }
                return true
            }
        }
        if try fails({ () throws(RetortError) in try run.verifyFilter() }) {
            noteIndex(place, "the filter of the run is damaged")
            hold = false
        }
        for page in 0..<run.pageCount {
            entries.removeAll(keepingCapacity: true)
            if try fails({ () throws(RetortError) in try run.appendEntries(ofPage: page, to: &entries) }) {
                noteIndex(place, "page \(page) of the run is damaged")
                hold = false
            }
            if try fails({ () throws(RetortError) in
                if !entries.isEmpty, try !run.finds(entries, ofPage: page) {
                    throw RetortError(.damagedData, "the page is not found", at: place)
                }
            }) {
                noteIndex(place, "page \(page) of the run does not fit its fences or its filter")
                hold = false
            }
            for entry in entries {
                if let last, entry.hash <= last {
                    noteIndex(place, "page \(page) of the run is out of order")
                    hold = false
                }
                last = entry.hash
            }
            if page % Run.pagesHeldMax == 0 { run.letGo() }
        }
        run.letGo()
        return hold
    }

    /// Checks the segments that must exist, and their sizes.
    mutating func checkFiles(of snapshot: VerificationSnapshot) throws(RetortError) {
        for loss in snapshot.image.losses {
            report.note(
                Problem(
                    kind: .segment, lane: loss.lane, segment: loss.segment, range: loss.range,
                    place: snapshot.context.layout.segment(loss.lane, loss.segment), message: loss.reason,
                    remedy: "Put the file back, or run `retort repair` to continue without it."))
        }
        for lane in Lane.allCases {
            noteStrays(lane, snapshot)
            for segment in snapshot.image.manifest.segments(lane) where segment.sealed {
                let path = snapshot.context.layout.segment(lane, segment.number)
                guard let size = try options.files.size(of: path), size > segment.bytes else { continue }
                report.note(
                    Problem(
                        kind: .segment, lane: lane, segment: segment.number, range: segment.bytes..<size, place: path,
                        message: "the sealed segment is longer than it was",
                        remedy: "Run `retort repair` to cut it: what it holds beyond its end counts nowhere."))
            }
        }
    }
}

extension Verification {
    /// Reports foreign files among a lane's segments and journals.
    private mutating func noteStrays(_ lane: Lane, _ snapshot: VerificationSnapshot) {
        let walked = Set((snapshot.segments[lane] ?? []).map(\.number))
        for damage in snapshot.image.tails[Int(lane.rawValue)].damage {
            let isJournal = damage.file.map(StoreLayout.isLikeJournal) ?? false
            if damage.file == nil, walked.contains(damage.segment) { continue }
            report.note(
                Problem(
                    kind: isJournal ? .journal : .segment, lane: lane,
                    segment: damage.file == nil ? damage.segment : nil,
                    range: damage.range, keys: damage.records, place: damage.path(snapshot.context.layout),
                    message: damage.reason,
                    remedy: "No run reads it. Move it to where it belongs, or run `retort repair` to set it aside."))
        }
    }
}

/// A store at one moment.
struct VerificationSnapshot {
    let image: StoreImage
    let writer: String?
    let codec = BlockCodec(level: 1)
    let lines: BlockLines
    /// The progress in the input.
    let progress: InputProgress
    /// By lane: the segments' numbers, each with the number of bytes to check.
    private(set) var segments: [Lane: [(number: UInt32, bytes: Int)]] = [:]
    private(set) var totalBytes = 0

    var context: StoreContext { image.context }

    init(image: StoreImage, writer: String?) throws(RetortError) {
        self.image = image
        lines = BlockLines(image.context)
        progress = image.index.withLock { $0.inputProgress() }
        self.writer = writer
        for lane in Lane.allCases {
            let ends = try image.segmentEnds(lane)
            segments[lane] = ends
            totalBytes += ends.reduce(0) { $0 + $1.bytes }
        }
    }

    /// Whether nothing was in progress in a lane: the manifest accounts for all of it.
    func isClosed(_ lane: Lane) -> Bool {
        let tail = image.tails[Int(lane.rawValue)]
        let listed = image.manifest.segments(lane).first { $0.number == tail.segment }
        return writer == nil && tail.journalPaths.isEmpty && tail.offset == (listed?.bytes ?? 0)
    }
}
