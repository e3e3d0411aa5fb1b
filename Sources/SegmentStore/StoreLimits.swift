/// Every size and count that the store holds itself to.
public enum StoreLimits {
    /// The highest number of a segment: an entry of the index has 24 bits for it.
    public static let segmentsMax: UInt32 = 1 << 24 - 1
    /// Raw bytes at which a block is cut and compressed. Larger blocks compress a little better and make one random
    /// read dearer; the design notes have the measurements.
    public static let blockRawBytes = 512 << 10
    /// Records of other lanes during which the open block of outcomes waits to be filled. After a kill the rows before an
    /// outcome that was in a journal only are read again, up to the last one that was in a checkpoint.
    public static let passedByMax = 32 << 10
    /// Records in one block: their number within it is stored in 16 bits.
    public static let blockRecordsMax = 65_535
    /// Bytes of one record's line.
    public static let lineBytesMax = 512 << 20
    /// Compressed bytes after which a segment is sealed and the next one begun.
    public static let segmentBytes = 1 << 30
    /// Offsets within a segment are stored in 32 bits; a segment may exceed its target by one block.
    public static let segmentBytesMax = Int(UInt32.max)
    /// Bytes after which a journal file is closed at the next block's end.
    public static let journalBytes = 1 << 20
    /// Entries of the in-memory part of the index before they become a sorted run. After a kill as many are looked up
    /// and entered again.
    public static let deltaEntriesMax = 128 << 10
    /// Records after which a writer lets go of the pages of runs that its lookups have brought into memory. The system
    /// maps sixteen at a touch: without this a long run comes to hold the whole index.
    public static let lookupsHeldMax = 16 << 10
    /// Entries of a run, 8 MiB of them, that are written before they are synced, and the journals after them.
    public static let runUnsyncedEntriesMax = 256 << 10
    /// How many times as large as a run the next older one is, or they are merged. A lookup asks the filter of each run
    /// there is: with ten million keys two on average and three at most, and an entry is written seven times in all.
    public static let runRatio = 4
    /// Raw bytes waiting for compression at which `append` reports pressure.
    public static let sealQueueBytesMax = 24 << 20
    /// Records waiting for compression at which it does so too: many short ones, while large runs are merged.
    public static let sealQueueRecordsMax = 32 << 10
    /// Compressed bytes not yet durable at which a sync is made at once.
    public static let unsyncedBytesMax = 64 << 20
    /// Failure classes: an entry keeps status and class in one byte.
    public static let failureClassesMax = 64
    /// Bytes of a verifier's name.
    public static let verifierBytesMax = 256
    /// Numbers that are summed over all records of a lane.
    public static let talliesMax = 8
    /// Problems that a verification describes; further ones are only counted.
    public static let problemsKeptMax = 200
    /// Bytes that are gathered before whole blocks are written.
    public static let copyBufferBytes = 1 << 20
    /// Items above the ledger's mark that its bitmap reaches: 16 MiB of bits.
    public static let ledgerReachMax: UInt64 = 128 << 20
    /// Samples of one row.
    public static let samplesMax = 65_535
    /// Bytes of segments whose checksums `status`, `plan` and the end of a run look at: some ten milliseconds.
    static let spotCheckBytesMax = 32 << 20
    /// Times that a reader begins again because a writer has taken records out of the lanes meanwhile.
    public static let readingTriesMax = 20

    // MARK: What is read of a file that anybody may have written

    /// The highest sequence number of a lane, and the highest of the numbers that only count something: every reader of
    /// JSON keeps so many digits, and sums of them do not overflow.
    public static let sequencesMax: UInt64 = 1 << 53 - 1
    /// Rows of an input. Times the samples of a row they are far from overflowing.
    public static let rowsMax: UInt64 = 1 << 40
    /// Items of an input: the bound of the ledger's mark.
    static let itemsMax = rowsMax * UInt64(samplesMax)
    /// Bytes of `retort.json`.
    static let manifestBytesMax = 16 << 20
    /// Bytes of the checkpoint: its ledger has 16 MiB.
    static let checkpointBytesMax = 32 << 20
    /// Bytes of a journal. It is closed at the end of a block, and a batch of records may be large.
    static let journalFileBytesMax = 2 << 30
    /// Segments beyond all that there are for which a checkpoint's word is taken: they have been removed.
    static let segmentGapMax: UInt32 = 8
    /// The number of a run's file. A checkpoint may have many more to give.
    static let runNumberMax: UInt64 = 1 << 52
    /// Runs of a lane that a checkpoint names.
    static let runsMax = 4096
    /// Copies of a journal that begin with the same record.
    static let journalCopiesMax = 1_000_000
    /// Characters of the name of a failure class or a tally.
    static let nameBytesMax = 64
    /// Bytes of a file with a template, prices or a job.
    static let textBytesMax = 64 << 20
    /// How many bytes of lines a byte of a deflate stream makes at most.
    static let deflateRatioMax = 1032
}
