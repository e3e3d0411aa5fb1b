import Basics

/// A store without a writer: locked, with everything in segments and the index on disk.
struct LockedStore {
    let root: String
    let image: StoreImage
    private let lock: any FileLock

    /// Takes the lock. Repairs first what a kill left, as opening it for writing would.
    ///
    /// Throws `.busy` if the store is being written, `.damagedData` if a part of it cannot be read.
    init(_ root: String, options: StoreOptions) throws(RetortError) {
        self.root = root
        let layout = StoreLayout(root: root)
        _ = try StoreManifest.load(layout, files: options.files)
        lock = try options.files.lock(layout.lock)
        _ = try Superseding.finish(layout, options.files)
        var loaded = try StoreImage.load(root, options: options, mends: false)
        if loaded.isUnfinished {
            try RecordStore(root, options: options.inPlace, lock: BorrowedLock()).close()
            loaded = try StoreImage.load(root, options: options, mends: false)
        }
        image = loaded
        if let damage = image.damage.first {
            throw RetortError(
                .damagedData, damage.reason, at: damage.path(image.context.layout),
                remedy: "Run `retort repair` on that store first.")
        }
    }

    func release() { lock.release() }

    /// The lane's entries in order of their hashes.
    func entries(_ lane: Lane) throws(RetortError) -> any SortedEntries {
        try image.index.withLock { index throws(RetortError) in
            let lane = index[lane]
            if lane.delta.count == 0, lane.runs.count == 1 { return RunCursor(lane.runs[0]) }
            return try lane.cursor()
        }
    }

    /// Whether the index names every record of the lane, so that none is superseded within the store.
    var everyResponseCounts: Bool {
        let tail = image.tails[Int(Lane.responses.rawValue)]
        return tail.nextSequence == image.index.withLock { $0.live.done }
    }
}

extension StoreImage {
    /// Whether work was unfinished when the store was released, or the index is not on disk.
    fileprivate var isUnfinished: Bool {
        indexWasRebuilt || tails.contains { tail in !tail.journalPaths.isEmpty || tail.size > tail.offset }
    }
}
