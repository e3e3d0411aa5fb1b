public import Basics

/// What making an index anew has come to.
public struct ReindexReport: Sendable, Hashable {
    public var counters: StoreCounters
    /// What opening the store had to mend besides.
    public var recovery: RecoveryReport
}

/// Makes the index of a store anew.
public enum StoreReindex {
    /// What the index is made from.
    public enum Source: String, Sendable, CaseIterable {
        /// The hint logs: seconds. Blocks that a log does not describe are read.
        case hints
        /// The segments alone: every block is read and the hint logs are made anew as well. Tallies are computed by
        /// `options.recount`.
        case segments
    }

    /// Takes the store's lock. Which rows of the input have an outcome is read from the records; where to go on in it is
    /// forgotten: the next run reads its input again, and asks for nothing that the store holds. Killed at any moment
    /// it is simply run again.
    ///
    /// Throws `.busy` when the store is being written, `.damagedData` when segments are gone or shorter than they
    /// were.
    public static func run(
        _ root: String, options: StoreOptions = StoreOptions(), from source: Source = .hints
    ) throws(RetortError) -> ReindexReport {
        let layout = StoreLayout(root: root)
        _ = try StoreManifest.load(layout, files: options.files)
        let lock = try options.files.lock(layout.lock)
        return try rebuild(root, options: options, from: source, lock: lock)
    }

    /// `lock` is held already and released at the end.
    static func rebuild(
        _ root: String, options: StoreOptions, from source: Source, lock: any FileLock
    ) throws(RetortError) -> ReindexReport {
        try drop(StoreLayout(root: root), options.files, hints: source == .segments)
        let store = try RecordStore(root, options: options.inPlace, lock: lock)
        let report = ReindexReport(counters: store.counters, recovery: store.recovery)
        try store.close()
        if let trouble = store.indexTrouble { throw trouble }
        return report
    }

    /// Removes the checkpoint, durably, before anything else: from then on the index is one that is to be made. Files
    /// that the store has not written stay.
    static func drop(_ layout: StoreLayout, _ files: any FileSystem, hints: Bool) throws(RetortError) {
        try files.createDirectory(layout.index)
        try files.removeRegular(layout.checkpoint)
        guard try files.size(of: layout.checkpoint) == nil else {
            throw RetortError(
                .damagedData, "not a regular file", at: layout.checkpoint, remedy: StoreLayout.foreignRemedy)
        }
        try files.syncDirectory(layout.index)
        for name in try files.entries(of: layout.index) {
            let isOwn = StoreLayout.isHints(name) ? hints : StoreLayout.isOfIndex(name)
            if isOwn { try files.removeRegular(layout.index + "/" + name) }
        }
        try files.syncDirectory(layout.index)
    }
}
