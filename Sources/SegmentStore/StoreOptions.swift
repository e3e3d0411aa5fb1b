public import Basics

/// When written data becomes safe from a power cut. `kill -9` loses nothing with any of them.
public enum SyncPolicy: Sendable, Hashable {
    /// By group commit, at most this long after it was written.
    case interval(Interval)
    /// Before `append` returns.
    case always
    /// When the system decides. After a power cut the store may need repair; for stores that can be recreated.
    case never
}

/// How a store is written.
public struct StoreOptions: Sendable {
    public var sync: SyncPolicy = .interval(.seconds(1))
    /// libdeflate's level, 1 to 12.
    public var compressionLevel = 6
    /// Raw bytes at which a block is completed.
    public var blockRawBytes = StoreLimits.blockRawBytes
    /// Compressed bytes at which a segment is sealed.
    public var segmentBytes = StoreLimits.segmentBytes
    /// Whether to compress and sync on a separate thread. Without it `append` does that work itself, in a fixed order:
    /// for tests that replay it.
    public var usesThread = true
    /// Maximum threads that help that one to compress, when it is behind.
    public var packingThreadsMax = min(ProcessorCount.now / 2, StoreLimits.packingThreadsMax)
    /// Recomputes the tallies of a line when its block's hints are lost; zeros by default.
    public var recount: @Sendable ([UInt8]) -> Tallies = { _ in Tallies() }
    public var files: any FileSystem = PosixFileSystem()
    var tuning = StoreTuning()

    public init() {}

    /// The same options without a thread, for work that waits for each step anyway.
    var inPlace: StoreOptions {
        var options = self
        options.usesThread = false
        return options
    }
}

/// Limits that tests of recovery make small, so that much happens in few calls.
struct StoreTuning: Sendable {
    var journalBytes = StoreLimits.journalBytes
    var deltaEntriesMax = StoreLimits.deltaEntriesMax
    /// A kill leaves one table of entries beyond the last run, and a little more if it happened while one was written:
    /// only a longer replay, of a lost index, writes runs on its way.
    var replayEntriesMax: Int { deltaEntriesMax * 2 }
    var runRatio = StoreLimits.runRatio
    var runUnsyncedEntriesMax = StoreLimits.runUnsyncedEntriesMax
    var passedByMax = StoreLimits.passedByMax
}
