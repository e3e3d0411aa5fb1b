public import Basics

/// A store that a merge reads: a snapshot of it, journals included. Nothing of it is written.
struct MergeSource {
    let root: String
    let image: StoreImage
    /// 0 if it was never set.
    let mark: Int64
    /// The lines in a journal only, by the hash of their key.
    let journaled: [Lane: [Hash128: [UInt8]]]
    private let lock: (any FileLock)?
    private let origins: [LaneOrigins]

    /// Locks writers out if the lock can be taken for reading; if not, as on a read-only disk, `checkUntouched` detects
    /// changes. `scratch` names a directory for an index that must be rebuilt.
    ///
    /// Throws `.busy` if the store is being written, `.damagedData` if a part of it cannot be read.
    init(_ root: String, options: StoreOptions, scratch: () -> String?) throws(RetortError) {
        self.root = root
        let layout = StoreLayout(root: root)
        let manifest = try StoreManifest.load(layout, files: options.files)
        lock = try options.files.lockShared(layout.lock)
        do throws(RetortError) {
            guard manifest.superseding == nil else { throw Self.unfinished(root) }
            (image, journaled) = try Self.load(root, options, scratch)
            mark = try MarkSlot.read(layout, storeID: manifest.storeID, files: options.files)?.slot.value ?? 0
            if let damage = image.damage.first {
                throw RetortError(
                    .damagedData, damage.reason, at: damage.path(image.context.layout),
                    remedy: "Run `retort repair` on that store, or on a copy of it, first.")
            }
            var origins: [LaneOrigins] = []
            for lane in Lane.allCases { origins.append(try LaneOrigins(lane, image)) }
            self.origins = origins
        } catch {
            lock?.release()
            throw error
        }
    }

    private static func load(
        _ root: String, _ options: StoreOptions, _ scratch: () -> String?
    ) throws(RetortError) -> (StoreImage, [Lane: [Hash128: [UInt8]]]) {
        let image = try StoreImage.load(root, options: options, mends: false, scratch: scratch)
        do throws(RetortError) {
            return (image, try image.noteJournals())
        } catch {
            guard image.context.isOfIndex(error) else { throw error }
            let fresh = try image.withoutRuns()
            return (fresh, try fresh.noteJournals())
        }
    }

    private static func unfinished(_ root: String) -> RetortError {
        RetortError(
            .damagedData, "records of changed rows are still being moved to superseded/", at: root,
            remedy: "Run `retort repair` on that store, or on a copy of it, first: it completes that.")
    }

    func release() { lock?.release() }

    /// Throws `.busy` if the store was written since it was opened.
    func checkUntouched() throws(RetortError) {
        let files = image.context.files
        let now = try StoreManifest.load(StoreLayout(root: root), files: files)
        guard now.generation == image.manifest.generation, try files.lockHolder(image.context.layout.lock) == nil else {
            throw RetortError(
                .busy, "the store was written while it was merged", at: root,
                remedy: "Wait until its run has ended, then merge again.")
        }
    }

    /// The lane's entries in order of their hashes.
    func entries(_ lane: Lane) throws(RetortError) -> any SortedEntries {
        try image.index.withLock { index throws(RetortError) in
            let lane = index[lane]
            if lane.delta.count == 0, lane.pending.isEmpty, lane.runs.count == 1 { return RunCursor(lane.runs[0]) }
            return try lane.cursor()
        }
    }

    func lookup(_ hash: Hash128) throws(RetortError) -> IndexEntry? {
        try image.index.withLock { index throws(RetortError) in try index.lookup(hash) }
    }

    /// Whether the index names every record of the lane's segments, so that none is superseded within the store.
    var everyResponseCounts: Bool {
        let tail = image.tails[Int(Lane.responses.rawValue)]
        return tail.nextSequence == image.index.withLock { $0.placed.done }
    }

    func origins(_ lane: Lane) -> LaneOrigins { origins[Int(lane.rawValue)] }

    /// The number of a lane's records, including the journals': where its numbering continues.
    func nextSequence(_ lane: Lane) -> UInt64 {
        let tail = image.tails[Int(lane.rawValue)]
        return tail.journaled.last.map { $0.sequence + 1 } ?? tail.nextSequence
    }
}

extension FileSystem {
    /// Throws `.busy` while a writer holds the lock. This form does not lock writers out.
    public func lockShared(_ path: String) throws(RetortError) -> (any FileLock)? {
        guard let holder = try lockHolder(path) else { return nil }
        throw RetortError(
            .busy, "another process is writing here", at: path, cause: "held by \(holder)",
            remedy: "Wait until it has ended, or choose another directory.")
    }
}
