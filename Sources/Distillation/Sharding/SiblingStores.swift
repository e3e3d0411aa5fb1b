package import Basics
import Dataset
import Glibc
package import SegmentStore

/// Snapshots of other stores of the same job, searched for outcomes that need not be paid for again. Read only.
///
/// Each call holds the lock, since a reader belongs to one thread at a time.
package final class SiblingStores: @unchecked Sendable {
    private let readers: [StoreReader]
    private let lock = Locked(())

    /// Maximum stores that a run reads in addition to its own.
    package static let storesMax = 4096

    /// Opens all stores that the patterns match, except the run's own. Throws `.configuration` if one has other
    /// settings.
    package init(_ patterns: [String], besides own: String, job: JobDescription, samples: Int) throws(RetortError) {
        let ownPath = Self.realPath(own)
        var readers: [StoreReader] = []
        var seen: Set<String> = []
        for pattern in patterns {
            for path in try Self.matches(of: pattern) where Self.realPath(path) != ownPath {
                guard seen.insert(Self.realPath(path)).inserted else { continue }
                guard let manifest = try RecordStore.manifest(of: path) else { continue }
                try job.check(against: manifest.job, at: path, onChange: .refuse)
                guard manifest.samples == samples else { throw Self.otherSamples(path, manifest.samples, samples) }
                guard readers.count < Self.storesMax else { throw Self.tooMany }
                readers.append(try StoreReader(path, options: StoreAccess.options))
            }
        }
        self.readers = readers
    }

    package var count: Int { readers.count }

    /// The outcome of a key in any of them, and its store. A success is preferred.
    package func lookup(_ hash: Hash128) throws(RetortError) -> (entry: IndexEntry, store: String)? {
        try lock.withLock { _ throws(RetortError) in
            var failure: (entry: IndexEntry, store: String)?
            for reader in readers {
                guard let entry = try reader.lookup(hash) else { continue }
                if entry.recordStatus == .ok { return (entry, reader.root) }
                if failure == nil { failure = (entry, reader.root) }
            }
            return failure
        }
    }

    /// How often, and at which interval, a conflicting run is checked again: it may be about to name its shard.
    private static let looksMax = 10
    private static let lookInterval = Interval.milliseconds(500)

    /// Throws `.busy` if another process is sending rows of this shard to one of the stores: its requests in flight
    /// would be paid for twice.
    package func refuseOverlap(with shard: Shard?) throws(RetortError) {
        for reader in readers {
            for look in 1...Self.looksMax {
                guard let error = try overlap(with: shard, reader) else { break }
                if look == Self.looksMax { throw error }
                usleep(UInt32(Self.lookInterval.nanoseconds / 1000))
            }
        }
    }

    private func overlap(with shard: Shard?, _ reader: StoreReader) throws(RetortError) -> RetortError? {
        // A run that has not named its input yet will look for this run itself.
        guard let writer = try reader.writer(), let input = try RecordStore.manifest(of: reader.root)?.input else {
            return nil
        }
        let theirs = input.part?.shard
        if let shard, let theirs, !shard.overlaps(theirs) { return nil }
        let here = shard.map { "shard \($0)" } ?? "this run"
        let there = theirs.map { "shard \($0)" } ?? "the whole input"
        return RetortError(
            .busy, "another run is sending rows of \(here) too", at: reader.root, cause: "it is at \(there), \(writer)",
            remedy: "Wait until it has ended, or stop it; nothing was sent by this run.")
    }

    private static func realPath(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Throws `.inputMissing` if a name without a pattern is not a store.
    private static func matches(of pattern: String) throws(RetortError) -> [String] {
        // A store whose name contains such characters is meant literally.
        if try RecordStore.manifest(of: pattern) != nil { return [pattern] }
        guard pattern.contains(where: { "*?[{".contains($0) }) else {
            throw RetortError(
                .inputMissing, "no store of that name", at: pattern,
                remedy: "Name a store, or quote a pattern such as 'runs/shard-*'.")
        }
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(pattern, GLOB_BRACE, nil, &result) == 0 else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { index in
            result.gl_pathv[index].map { String(cString: $0) }
        }
    }

    private static func otherSamples(_ path: String, _ theirs: Int, _ ours: Int) -> RetortError {
        RetortError(
            .configuration, "the sibling has another number of samples", at: path,
            cause: "it has \(theirs) per row, this run \(ours)",
            remedy: "Use the same --samples, or leave it out of --siblings.")
    }

    private static var tooMany: RetortError {
        RetortError(
            .usage, "--siblings matches more than \(storesMax) stores",
            remedy: "`retort merge` them into fewer, and name those.")
    }
}
