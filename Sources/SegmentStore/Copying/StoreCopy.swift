public import Basics

/// What a copy came to.
public struct CopyReport: Sendable, Hashable {
    /// Bytes that were written.
    public internal(set) var bytes = 0
    /// Blocks that were written.
    public internal(set) var blocks = 0
    /// Whether a run was writing the store: what it has received since is not in the copy.
    public internal(set) var isLive = false
    /// Where an earlier copy went that holds what the store does not; nil: there was none of that kind.
    public internal(set) var setAside: String?
}

/// Copies a store to another directory, also while a run writes it, and the next time only what is new.
///
/// Everything that `append` had returned for when the copy began is in it. At every moment the target is no store yet, or
/// one that opens: what takes the place of something is complete beside it first, segments only grow, journals go when
/// their records are in segments, and the manifest comes last. So a copy that was interrupted is completed by the next.
///
/// What only the target has is never removed. Where a store has lost blocks that were copied (a power cut took them), or
/// has moved records out of its lanes, the earlier copy is put beside under another name and a new one is made.
public struct StoreCopy {
    let from: StoreLayout
    let to: StoreLayout
    let files: any FileSystem
    private(set) var report = CopyReport()

    /// Times that a live copy begins again because the manifest was replaced meanwhile.
    static let triesMax = 50
    /// Times that damage is met in a store that is being written before it is believed.
    static let damagesMax = 3
    /// Earlier copies that are kept under other names.
    static let setAsideMax = 1000

    /// Copies `source` to `target`, which does not exist, is empty, or is an earlier copy of it.
    ///
    /// A writer of `source` is kept out where the lock can be had; where one is writing, the copy is of a moment. Throws
    /// `.notFound` where there is no store, `.configuration` where `target` is something else, `.busy` while another
    /// process writes or copies to `target`, `.damagedData` where something of `source` cannot be read.
    public static func run(
        _ source: String, to target: String, options: StoreOptions = StoreOptions()
    ) throws(RetortError) -> CopyReport {
        var copy = try StoreCopy(source, target, options)
        do throws(RetortError) {
            let lock = try copy.files.lockShared(copy.from.lock)
            defer { lock?.release() }
            return try copy.bringUpToDate()
        } catch {
            // The target's own lock is said to be busy with another place.
            guard error.code == .busy, error.place == copy.from.lock else { throw error }
        }
        copy.report.isLive = true
        return try copy.bringUpToDate()
    }

    /// The same for a store that no run writes, held to it until the end: `isEqual` says whether the target has become
    /// what the source is. If not, it is put aside and copied anew, once. Then the source is removed, if that is wanted.
    ///
    /// Throws `.busy` where a run writes the source, and `.damagedData` where the second copy is not equal either.
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
                // What is being written looks like damage for an instant.
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
            .damagedData, "records of changed rows are still on their way to superseded/", at: root,
            remedy: "Run `retort repair` on that store first: it completes that.")
    }

    private func manifestBytes() throws(RetortError) -> [UInt8] {
        try files.contents(of: from.manifest, bytesMax: StoreLimits.manifestBytesMax) ?? []
    }

    /// Only an earlier copy, whole or not, may be there.
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

    /// Puts what is at the target beside it, and takes the lock of a new one.
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

    /// The journals that there are now. Throws `divergence` where the target has one of its own.
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

    /// What is beside the records, and the manifest.
    private mutating func finish(_ manifest: [UInt8]) throws(RetortError) {
        let copied = CopiedFiles(files)
        try copied.copyBeside(from, to, &report)
        // An index changes under a writer. Without one, or with an earlier one, the copy makes its own.
        if !report.isLive { try copied.copyIndex(from, to, &report) }
        guard try files.contents(of: to.manifest, bytesMax: StoreLimits.manifestBytesMax) != manifest else { return }
        try files.replace(to.manifest, with: manifest, in: to.root)
        report.bytes += manifest.count
    }
}
