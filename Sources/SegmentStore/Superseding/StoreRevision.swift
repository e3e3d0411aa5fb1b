public import Basics

/// Takes records out of a store: they leave the lanes for `superseded/`, whole lines as they are, and their keys are
/// pending again. For rows that ask something else now than what was answered, and for answers that no longer count.
/// Answers that stay may get another line, under the same head.
///
/// Note what is to go or to change, then commit. The commit happens as a whole or not at all, whenever the process or the power
/// dies: each record is either where it was or in `superseded/`, never in both and never in neither. It costs what
/// the segments cost that hold such records, and needs as much room on the disk meanwhile.
///
/// The store is locked from beginning to end. One thread at a time uses a revision.
public final class StoreRevision {
    public let root: String
    /// Successes and failed keys that were noted.
    public private(set) var answers = 0
    public private(set) var failures = 0
    /// Successes that were noted to get another line.
    public private(set) var amended = 0
    private let options: StoreOptions
    private let store: LockedStore
    private let scratch: ScratchDirectory
    private var places: PlaceList
    private var keys: KeyList
    private var amendments: PlaceList

    /// Throws `.busy` when the store is being written, `.damagedData` when something in it cannot be read.
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

    /// Lets go of the store. What was not committed has not happened.
    public func release() {
        scratch.remove()
        store.release()
    }

    public var manifest: StoreManifest { store.image.manifest }

    /// The outcome that counts for a key by its hash; nil when it is pending. After an error that names a file of the
    /// index the next revision makes the index anew.
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

    /// Notes that everything the store holds of a key is to go; what was noted before counts once. `entry` is what `lookup` gave
    /// for it.
    public func supersede(_ entry: IndexEntry) throws(RetortError) {
        guard try !keys.contains(entry.hash) else { return }
        if entry.recordStatus == .ok {
            answers += 1
            try places.note(entry)
        } else {
            failures += 1
        }
        // The failures before a success must not come to light when it goes.
        try keys.note(entry)
    }

    /// Notes that a success stays, with the line that `commit` is given for it. `entry` is what `lookup` gave for it.
    /// The old line is not kept: what was received must be in the new one.
    public func amend(_ entry: IndexEntry) throws(RetortError) {
        guard entry.recordStatus == .ok else { return }
        amended += 1
        try amendments.note(entry)
    }

    /// Takes out what was noted, gives those that were noted for it their new lines, and makes `job` the store's;
    /// `notes` join those that it has.
    ///
    /// - Parameter line: the new line of an amended record, without a line feed. It must begin with the old one's head.
    ///
    /// When it throws, either nothing has changed, or the next opening completes it.
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
            // What is left is removed by the next opening if it cannot be removed now.
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
        // What was paid for on the way stays, and so does what was said of the answers.
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
