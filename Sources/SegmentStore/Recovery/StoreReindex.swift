public import Basics

/// The result of rebuilding an index.
public struct ReindexReport: Sendable, Hashable {
    public var counters: StoreCounters
    /// What opening the store had to repair in addition.
    public var recovery: RecoveryReport
}

/// Rebuilds the index of a store.
public enum StoreReindex {
    /// The source of the new index.
    public enum Source: String, Sendable, CaseIterable {
        /// The hint logs: takes seconds. Blocks without a hint are read.
        case hints
        /// The segments alone: every block is read and the hint logs are rewritten as well. Tallies are computed by
        /// `options.recount`.
        case segments
    }

    /// Takes the store's lock. Which rows of the input have an outcome is read from the records; the position in the
    /// input is forgotten: the next run reads its input from the start, and sends nothing that the store has. If it is
    /// killed, run it again.
    ///
    /// Throws `.busy` if the store is being written, `.damagedData` if segments are missing or shorter than they were.
    public static func run(
        _ root: String, options: StoreOptions = StoreOptions(), from source: Source = .hints
    ) throws(RetortError) -> ReindexReport {
        let layout = StoreLayout(root: root)
        _ = try StoreManifest.load(layout, files: options.files)
        let lock = try options.files.lock(layout.lock)
        return try rebuild(root, options: options, from: source, lock: lock)
    }

    /// `lock` is already held, and released at the end.
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

    /// Removes the checkpoint first, durably: from then on the index counts as missing. Files that the store has not
    /// written stay.
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
