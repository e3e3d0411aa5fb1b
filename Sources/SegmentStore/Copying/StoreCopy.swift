public import Basics

/// The result of a copy.
public struct CopyReport: Sendable, Hashable {
    /// Bytes that were written.
    public internal(set) var bytes = 0
    /// Blocks that were written.
    public internal(set) var blocks = 0
    /// Whether a run was writing the store: records received since are not in the copy.
    public internal(set) var isLive = false
    /// Where an earlier copy was moved because it holds records that the store does not; nil: there was none.
    public internal(set) var setAside: String?
}

/// Copies a store to another directory, also while a run writes it; the next copy transfers only what is new.
///
/// The copy contains everything that `append` had taken when it began. At every moment the target either is not a store
/// yet or can be opened: replacements are complete before they take a file's place, segments only grow, journals are
/// removed when their records are in segments, and the manifest is written last. The next copy therefore completes an
/// interrupted one.
///
/// Records that only the target has are never removed. If a store has lost copied blocks (in a power cut), or has moved
/// records out of its lanes, the earlier copy is renamed and a new one is made.
public struct StoreCopy {
    let from: StoreLayout
    let to: StoreLayout
    let files: any FileSystem
    private(set) var report = CopyReport()

    /// Maximum restarts of a live copy because the manifest was replaced.
    static let triesMax = 50
    /// Number of times that damage must be seen in a store being written before it is believed.
    static let damagesMax = 3
    /// Maximum earlier copies under other names.
    static let setAsideMax = 1000

    /// Copies `source` to `target`, which does not exist, is empty, or is an earlier copy of it.
    ///
    /// Writers of `source` are locked out if its lock can be taken; if one is writing, the copy is a snapshot. Throws
    /// `.notFound` if there is no store, `.configuration` if `target` is something else, `.busy` while another process
    /// writes or copies to `target`, `.damagedData` if a part of `source` cannot be read.
    public static func run(
        _ source: String, to target: String, options: StoreOptions = StoreOptions()
    ) throws(RetortError) -> CopyReport {
        var copy = try StoreCopy(source, target, options)
        do throws(RetortError) {
            let lock = try copy.files.lockShared(copy.from.lock)
            defer { lock?.release() }
            return try copy.bringUpToDate()
        } catch {
            // The error about the target's own lock names another place.
            guard error.code == .busy, error.place == copy.from.lock else { throw error }
        }
        copy.report.isLive = true
        return try copy.bringUpToDate()
    }

    /// Copies a store that no run writes, keeping it locked to the end. `isEqual` says whether the target is now equal
    /// to the source; if not, it is renamed and copied again, once. After that the source is removed, if `removing` is
    /// set.
    ///
    /// Throws `.busy` if a run writes the source, and `.damagedData` if the second copy is not equal either.
    public static func run(
        _ source: String, to target: String, removing: Bool, options: StoreOptions = StoreOptions(),
        isEqual: () throws(RetortError) -> Bool
    ) throws(RetortError) -> CopyReport {
        var copy = try StoreCopy(source, target, options)
        let lock = try copy.files.lock(copy.from.lock)
        defer { lock.release() }
        _ = try copy.bringUpToDate()
        if try !isEqual() {
            let targetLock = try copy.setAside()
            targetLock.release()
            _ = try copy.bringUpToDate()
            guard try isEqual() else {
                throw RetortError(
                    .damagedData, "the copy is not what was copied", at: target,
                    remedy: "The disk may be failing; copy the store to another one.")
            }
        }
        if removing { try RemovedStore(copy.from, copy.files).remove() }
        return copy.report
    }

    private init(_ source: String, _ target: String, _ options: StoreOptions) throws(RetortError) {
        (from, to, files) = (StoreLayout(root: source), StoreLayout(root: target), options.files)
        _ = try StoreManifest.load(from, files: files)
        try checkTarget()
    }

    private mutating func bringUpToDate() throws(RetortError) -> CopyReport {
        try files.createDirectory(to.root)
        var lock = try files.lock(to.lock)
        defer { lock.release() }
        var damages = 0
        for _ in 0..<Self.triesMax {
            let bytes = try manifestBytes()
            let manifest = try StoreManifest.load(from, files: files)
            guard manifest.superseding == nil else {
                if report.isLive { continue }
                throw Self.unfinished(from.root)
            }
            do throws(RetortError) {
                if try isOlder(than: manifest) { throw Self.divergence }
                try copyRecords(manifest)
            } catch {
                // Data being written looks like damage for an instant.
                damages += error.code == .damagedData ? 1 : 0
                if report.isLive, error.code == .damagedData, damages < Self.damagesMax { continue }
                guard error == Self.divergence else { throw error }
                lock.release()
                lock = try setAside()
                continue
            }
            guard try manifestBytes() == bytes else { continue }
            try finish(bytes)
            return report
        }
        throw RetortError(
            .busy, "the store changes faster than it can be copied", at: from.root, remedy: "Try again later.")
    }

    static let divergence = RetortError(.incomplete, "the target has what the store does not")

    private static func unfinished(_ root: String) -> RetortError {
        RetortError(
            .damagedData, "records of changed rows are still being moved to superseded/", at: root,
            remedy: "Run `retort repair` on that store first: it completes that.")
    }

    private func manifestBytes() throws(RetortError) -> [UInt8] {
        try files.contents(of: from.manifest, bytesMax: StoreLimits.manifestBytesMax) ?? []
    }

    /// Only an earlier copy, complete or not, may be there.
    private func checkTarget() throws(RetortError) {
        let source = try StoreManifest.load(from, files: files)
        guard from.root != to.root else {
            throw RetortError(
                .usage, "a store cannot be copied to itself", at: to.root, remedy: "Name another directory.")
        }
        guard try files.size(of: to.manifest) != nil else {
            let own = Set(
                Lane.allCases.map(\.directoryName) + ["LOCK", "MARK", "index", CopyNote.name] + CopiedFiles.directories)
            let other = try files.entries(of: to.root).first { name in
                !own.contains(name) && !name.hasSuffix(".tmp") && !CopiedFiles.loose.contains(name)
            }
            guard let other else { return }
            throw RetortError(
                .configuration, "the directory is not empty and holds no copy", at: to.root, cause: "it has \(other)",
                remedy: "Name one that does not exist, or an earlier copy of this store.")
        }
        let target = try StoreManifest.load(to, files: files)
        guard target.store == source.store else {
            throw RetortError(
                .configuration, "the directory holds another store", at: to.root,
                cause: "it is \(target.store), the one to copy is \(source.store)",
                remedy: "Name one that does not exist, or an earlier copy of this store.")
        }
        guard target.generation <= source.generation || target.revision ?? 0 < source.revision ?? 0 else {
            throw RetortError(
                .configuration, "the copy has gone on by itself", at: to.root,
                cause: "it is of generation \(target.generation), the one to copy of \(source.generation)",
                remedy: "`retort merge` them, or name another directory.")
        }
    }

    /// Whether records were moved out of the lanes since the target was copied.
    private func isOlder(than manifest: StoreManifest) throws(RetortError) -> Bool {
        guard try files.size(of: to.manifest) != nil else { return false }
        return try StoreManifest.load(to, files: files).revision != manifest.revision
    }

    /// Renames what is at the target, and takes the lock of a new one.
    private mutating func setAside() throws(RetortError) -> any FileLock {
        for number in 1...Self.setAsideMax {
            let path = StoreLayout.sibling(of: to.root, "before-\(number)")
            guard try files.size(of: path) == nil else { continue }
            try files.rename(to.root, to: path)
            report.setAside = path
            try files.createDirectory(to.root)
            return try files.lock(to.lock)
        }
        throw RetortError(
            .configuration, "too many earlier copies are beside it", at: to.root,
            remedy: "Merge those that end in .before-N, and move them away.")
    }

    /// Journals before segments: a record that leaves its journal meanwhile is in a segment by then.
    private mutating func copyRecords(_ manifest: StoreManifest) throws(RetortError) {
        try CopiedFiles(files).copy(from.mark, to: to.mark, in: to.root, &report)
        let journals = try copyJournals()
        for lane in Lane.allCases {
            var segments = CopiedSegments(lane, self, manifest)
            try segments.run()
            report.bytes += segments.bytes
            report.blocks += segments.blocks
        }
        for lane in Lane.allCases {
            let target = to.directory(lane)
            let retired = try files.entries(of: target).filter {
                StoreLayout.isLikeJournal($0) && journals[lane]?.contains($0) != true
            }
            for name in retired { try files.removeRegular("\(target)/\(name)") }
            if !retired.isEmpty { try files.syncDirectory(target) }
        }
        try CopyNote.write(journals, to, files)
    }

    /// Copies the current journals. Throws `divergence` if the target has one of its own.
    private mutating func copyJournals() throws(RetortError) -> [Lane: Set<String>] {
        let note = try CopyNote(to, files)
        var journals: [Lane: Set<String>] = [:]
        var all: [Lane: Set<String>] = [:]
        for lane in Lane.allCases {
            journals[lane] = Set(try files.entries(of: from.directory(lane)).filter(StoreLayout.isLikeJournal))
            let there = try files.entries(of: to.directory(lane)).filter(StoreLayout.isLikeJournal)
            for name in there {
                guard try note.holds(lane, name, to, files) else { throw Self.divergence }
            }
            all[lane] = journals[lane, default: []].union(there)
        }
        for lane in Lane.allCases {
            let (source, target) = (from.directory(lane), to.directory(lane))
            let names = journals[lane, default: []].sorted()
            if !names.isEmpty { try files.createDirectory(target) }
            for name in names {
                try CopiedFiles(files).copy("\(source)/\(name)", to: "\(target)/\(name)", in: target, &report)
            }
        }
        try CopyNote.write(all, to, files)
        return journals
    }

    /// Copies the files beside the records, and the manifest.
    private mutating func finish(_ manifest: [UInt8]) throws(RetortError) {
        let copied = CopiedFiles(files)
        try copied.copyBeside(from, to, &report)
        // An index changes while a run writes. Without one, or with an earlier one, the copy rebuilds its own.
        if !report.isLive { try copied.copyIndex(from, to, &report) }
        guard try files.contents(of: to.manifest, bytesMax: StoreLimits.manifestBytesMax) != manifest else { return }
        try files.replace(to.manifest, with: manifest, in: to.root)
        report.bytes += manifest.count
    }
}
