extension StoreLimits {
    /// Files that an open store has open at once: the lock and the mark; of each lane the segment, its hint log, the
    /// journal that is being written and those before it; one that is written beside others, a directory that is synced,
    /// a run, and one that is read.
    public static let descriptorsMax = Lane.allCases.reduce(2 + 4) { $0 + 2 + 1 + JournalWriter.closedMax($1) }
}
