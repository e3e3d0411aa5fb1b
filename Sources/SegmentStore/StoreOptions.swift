public import Basics

/// When written data is made to survive a power cut. `kill -9` loses nothing under any of them.
public enum SyncPolicy: Sendable, Hashable {
    /// By group commit, at most this long after it was written.
    case interval(Interval)
    /// Before `append` returns.
    case always
    /// When the system likes. After a power cut the store may have to be repaired; for stores that can be made again.
    case never
}

/// How a store is written.
public struct StoreOptions: Sendable {
    public var sync: SyncPolicy = .interval(.seconds(1))
    /// libdeflate's level, 1 to 12.
    public var compressionLevel = 6
    /// Raw bytes at which a block is cut.
    public var blockRawBytes = StoreLimits.blockRawBytes
    /// Compressed bytes at which a segment is sealed.
    public var segmentBytes = StoreLimits.segmentBytes
    /// Compress and sync on a thread of its own. Without it `append` does that work itself, in a fixed order: for
    /// tests that replay it.
    public var usesThread = true
    /// Computes the tallies of a line again when its block's hints are lost; zeros by default.
    public var recount: @Sendable ([UInt8]) -> Tallies = { _ in Tallies() }
    public var files: any FileSystem = PosixFileSystem()
    var tuning = StoreTuning()

    public init() {}

    /// The same without a thread, for work that waits for each step anyway.
    var inPlace: StoreOptions {
        var options = self
        options.usesThread = false
        return options
    }
}

/// Limits that the tests of recovery make small, to have much happen in few calls.
struct StoreTuning: Sendable {
    var journalBytes = StoreLimits.journalBytes
    var deltaEntriesMax = StoreLimits.deltaEntriesMax
    /// A kill leaves a table's worth beyond the last run, and a little more when it came during the writing of one:
    /// only a longer replay, of an index that is lost, writes runs on its way.
    var replayEntriesMax: Int { deltaEntriesMax * 2 }
    var runRatio = StoreLimits.runRatio
    var runUnsyncedEntriesMax = StoreLimits.runUnsyncedEntriesMax
    var passedByMax = StoreLimits.passedByMax
}
