public import Basics

/// Takes records out of a store: they move from the lanes to `superseded/` as whole lines, and their keys are pending
/// again. Used for rows whose request has changed, and for answers that no longer count. Answers that stay may get
/// another line with the same head.
///
/// Note what moves or changes, then commit. The commit happens as a whole or not at all, whenever the process or the
/// power dies: each record is either where it was or in `superseded/`, never in both and never in neither. It costs as
/// much as the affected segments, and needs that much additional disk space meanwhile.
///
/// The store is locked from beginning to end. One thread at a time uses a revision.
public final class StoreRevision {
    public let root: String
    /// Noted successes and failed keys.
    public private(set) var answers = 0
    public private(set) var failures = 0
    /// Noted successes that get another line.
    public private(set) var amended = 0
    private let options: StoreOptions
    private let store: LockedStore
    private let scratch: ScratchDirectory
    private var places: PlaceList
    private var keys: KeyList
    private var amendments: PlaceList

    /// Throws `.busy` if the store is being written, `.damagedData` if a part of it cannot be read.
    public init(_ root: String, options: StoreOptions = StoreOptions()) throws(RetortError) {
        self.root = root
        self.options = options
        store = try LockedStore(root, options: options)
        scratch = ScratchDirectory(StoreLayout.sibling(of: root, "tmp-revise"), files: options.files)
        let directory = scratch.claim()
        let layout = StoreLayout(root: root, scratch: directory)
        let entriesMax = directory == nil ? Int.max : options.tuning.deltaEntriesMax
        places = PlaceList(.responses, firstRun: 0, layout: layout, files: options.files, entriesMax: entriesMax)
        keys = KeyList(firstRun: 1 << 32, layout: layout, files: options.files, entriesMax: entriesMax)
        amendments = PlaceList(
            .responses, firstRun: 2 << 32, layout: layout, files: options.files, entriesMax: entriesMax)
    }

    /// Releases the store. What was not committed has not happened.
    public func release() {
        scratch.remove()
        store.release()
    }

    public var manifest: StoreManifest { store.image.manifest }

    /// The valid outcome of a key by its hash; nil if it is pending. After an error that names an index file the next
    /// revision rebuilds the index.
    public func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        do throws(RetortError) {
            return try store.image.index.withLock { index throws(RetortError) in try index.lookup(hash) }
        } catch {
            _ = store.image.context.distrustsIndex(error)
            throw error
        }
    }

    /// The same by the key.
    public func lookup(_ key: RecordKey) throws(RetortError) -> IndexEntry? { try lookup(key.hash) }

    /// Notes that all outcomes of a key move; repeated notes count once. `entry` is the result of `lookup`.
    public func supersede(_ entry: IndexEntry) throws(RetortError) {
        guard try !keys.contains(entry.hash) else { return }
        if entry.recordStatus == .ok {
            answers += 1
            try places.note(entry)
        } else {
            failures += 1
        }
        // The failures before a success must not become visible when it moves.
        try keys.note(entry)
    }

    /// Notes that a success stays, with the line that `commit` gets for it. `entry` is the result of `lookup`. The old
    /// line is not kept: everything received must be in the new one.
    public func amend(_ entry: IndexEntry) throws(RetortError) {
        guard entry.recordStatus == .ok else { return }
        amended += 1
        try amendments.note(entry)
    }

    /// Moves what was noted, gives amended records their new lines, and makes `job` the store's job; `notes` are added
    /// to its notes.
    ///
    /// - Parameter line: the new line of an amended record, without a line feed. It must begin with the old one's head.
    ///
    /// If it throws, either nothing has changed, or the next opening completes it.
    public func commit(
        job: [String: String], notes: [String: String] = [:],
        line: @escaping (StoredRecord) throws(RetortError) -> [UInt8] = { record in record.line }
    ) throws(RetortError) {
        var manifest = store.image.manifest
        let layout = StoreLayout(root: root)
        manifest.job = job
        if !notes.isEmpty { manifest.notes = (manifest.notes ?? [:]).merging(notes) { $1 } }
        guard answers + failures + amended > 0 else {
            guard manifest != store.image.manifest else { return }
            return try manifest.save(layout, files: options.files)
        }
        let work: Superseding
        do throws(RetortError) {
            work = try divide(line)
        } catch {
            // If the remains cannot be removed now, the next opening does it.
            try? Superseding.removeStrays(layout, options.files)
            throw error
        }
        manifest.begin(work)
        try manifest.save(layout, files: options.files)
        _ = try StoreReindex.rebuild(root, options: options, from: .hints, lock: BorrowedLock())
    }

    private func divide(
        _ line: @escaping (StoredRecord) throws(RetortError) -> [UInt8]
    ) throws(RetortError) -> Superseding {
        let image = store.image
        try Superseding.removeStrays(image.context.layout, options.files)
        var work = Superseding()
        // Rounds that were paid for stay, and so do verdicts.
        for lane in Lane.outcomes {
            var division = try LaneDivision(lane, context: image.context, options: options)
            if lane == .responses {
                let amendments = Amendments(places: try amendments.cursor(), line: line)
                try division.divide(image, .places(try places.cursor()), amendments)
            } else if answers + failures > 0 {
                try division.divide(image, .keys(keys))
            }
            work.rewritten[lane.directoryName] = division.rewritten
            work.emptied[lane.directoryName] = division.emptied
            work.archived[lane.directoryName] = division.archived
        }
        return work
    }
}
