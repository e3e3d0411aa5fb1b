extension StoreLimits {
    /// Maximum files that an open store has open at once: the lock and the mark; for each lane the segment, its hint
    /// log, the current journal and earlier ones; a file being rewritten, a directory being synced, a run, and a file
    /// being read.
    public static let descriptorsMax = Lane.allCases.reduce(2 + 4) { $0 + 2 + 1 + JournalWriter.closedMax($1) }
}
