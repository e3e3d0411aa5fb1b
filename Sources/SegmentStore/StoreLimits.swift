/// All size and count limits of the store.
public enum StoreLimits {
    /// Maximum number of a segment: an index entry has 24 bits for it.
    public static let segmentsMax: UInt32 = 1 << 24 - 1
    /// Raw bytes at which a block is completed and compressed. Larger blocks compress a little better and make a random
    /// read more expensive; the design notes have the measurements.
    public static let blockRawBytes = 512 << 10
    /// Records in other lanes after which an open block of outcomes is completed although it is not full. After a kill,
    /// rows from an outcome that was in a journal only are read again, up to the last one in a checkpoint.
    public static let passedByMax = 32 << 10
    /// Maximum records in a block: their index within it is stored in 16 bits.
    public static let blockRecordsMax = 65_535
    /// Maximum bytes of a record's line.
    public static let lineBytesMax = 512 << 20
    /// Compressed bytes after which a segment is sealed and the next one begun.
    public static let segmentBytes = 1 << 30
    /// Offsets within a segment are stored in 32 bits; a segment may exceed its target by one block.
    public static let segmentBytesMax = Int(UInt32.max)
    /// Bytes after which a journal file is closed at the next block's end.
    public static let journalBytes = 1 << 20
    /// Entries of the in-memory index before they become a sorted run. After a kill at most as many are looked up and
    /// entered again.
    public static let deltaEntriesMax = 128 << 10
    /// Lookups after which a writer releases the run pages that they have mapped. The kernel maps sixteen pages at an
    /// access: without this a long run would hold the whole index in memory.
    public static let lookupsHeldMax = 16 << 10
    /// Entries of a run, 8 MiB, that are written before they and then the journals are synced.
    public static let runUnsyncedEntriesMax = 256 << 10
    /// Runs are merged unless the next older one is this many times as large. A lookup asks the filter of each run:
    /// with ten million keys two on average and three at most, and an entry is written seven times in total.
    public static let runRatio = 4
    /// Raw bytes waiting for compression at which `append` reports pressure.
    public static let sealQueueBytesMax = 24 << 20
    /// Records waiting for compression at which it does so too: many short ones, while large runs are merged.
    public static let sealQueueRecordsMax = 32 << 10
    /// Maximum threads that compress blocks of one store: with so many, other work takes longer than compressing.
    public static let packingThreadsMax = 8
    /// Compressed bytes not yet durable at which a sync is made immediately.
    public static let unsyncedBytesMax = 64 << 20
    /// Maximum failure classes: an entry stores status and class in one byte.
    public static let failureClassesMax = 64
    /// Maximum bytes of a verifier's name.
    public static let verifierBytesMax = 256
    /// Maximum numbers that are summed over a lane's records.
    public static let talliesMax = 8
    /// Maximum problems that a verification describes; further ones are only counted.
    public static let problemsKeptMax = 200
    /// Bytes buffered before whole blocks are written.
    public static let copyBufferBytes = 1 << 20
    /// Maximum distance of the ledger's bitmap above the mark, in items: 16 MiB of bits.
    public static let ledgerReachMax: UInt64 = 128 << 20
    /// Maximum samples of a row.
    public static let samplesMax = 65_535
    /// Bytes of segments whose checksums `status`, `plan` and the end of a run verify: about ten milliseconds.
    static let spotCheckBytesMax = 32 << 20
    /// Maximum restarts of a reader because a writer has taken records out of the lanes.
    public static let readingTriesMax = 20

    // MARK: What is read of a file that anybody may have written

    /// Maximum sequence number of a lane, and maximum of numbers that only count something: every JSON reader keeps
    /// this many digits, and sums of them do not overflow.
    public static let sequencesMax: UInt64 = 1 << 53 - 1
    /// Maximum rows of an input. Multiplied by the samples they are far from overflowing.
    public static let rowsMax: UInt64 = 1 << 40
    /// Maximum items of an input: the bound of the ledger's mark.
    static let itemsMax = rowsMax * UInt64(samplesMax)
    /// Maximum bytes of `retort.json`.
    static let manifestBytesMax = 16 << 20
    /// Maximum bytes of the checkpoint: its ledger has 16 MiB.
    static let checkpointBytesMax = 32 << 20
    /// Maximum bytes of a journal. It is closed at the end of a block, and a batch of records may be large.
    static let journalFileBytesMax = 2 << 30
    /// How many segments beyond the existing ones a checkpoint may name: they have been removed.
    static let segmentGapMax: UInt32 = 8
    /// Maximum number of a run's file. A checkpoint must be able to assign many more.
    static let runNumberMax: UInt64 = 1 << 52
    /// Maximum runs of a lane in a checkpoint.
    static let runsMax = 4096
    /// Maximum copies of a journal that begin with the same record.
    static let journalCopiesMax = 1_000_000
    /// Maximum characters of the name of a failure class or a tally.
    static let nameBytesMax = 64
    /// Maximum bytes of a file with a template, prices or a job.
    static let textBytesMax = 64 << 20
    /// Maximum bytes of lines per byte of a deflate stream.
    static let deflateRatioMax = 1032
}
